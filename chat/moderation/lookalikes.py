"""Images that look like blocked ones, though not so much that they are refused without any check."""

from chat.images.blocks import likeness
from chat.moderation.checks import Check, Finding, Subject

CATEGORY = "likeness"
ALIKE = 0.68  # 10 of 64 bits differ; up to 6 the upload itself is refused


def examine(check: Check, subject: Subject) -> Finding:
    """Give how much the most similar of the images looks like one that moderators have blocked, 0 to 1."""
    score = max(likeness(image) for image in subject.images)
    found = frozenset({CATEGORY}) if score >= ALIKE else frozenset()
    return Finding(found, {CATEGORY: score}, bool(found))
