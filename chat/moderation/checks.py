"""The one interface of all checks: what they are given and what they give."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from chat.generation.direct import Place
from chat.models import CheckThreshold, Image, ModerationCheck, Stage


@dataclass(frozen=True)
class Subject:
    """What is to be checked: a message with its images, or a reply, then with the `question` that it answers."""

    stage: Stage
    text: str = ""
    images: Sequence[Image] = ()
    question: str = ""


@dataclass(frozen=True)
class Check:
    """One check as an administrator, or the environment, has set it up.

    `models` are the names of those that it is for; none means all. `guard` is where its guard is asked, if anywhere.
    """

    row: ModerationCheck
    thresholds: Sequence[CheckThreshold] = ()
    models: frozenset[str] = frozenset()
    guard: Place | None = None

    def is_for(self, stage: Stage, model: str | None) -> bool:
        """Tell whether it looks at this stage of what is for a model; None stands for any."""
        wanted = self.row.on_messages if stage == Stage.MESSAGE else self.row.on_replies
        return wanted and (not self.models or model is None or model in self.models)

    def part_of(self, subject: Subject) -> Subject:
        """Give the parts of a subject that it looks at: text that is more than white space, and images."""
        text = subject.text if self.row.on_text and subject.text.strip() else ""
        images = subject.images if self.row.on_images else ()
        return Subject(subject.stage, text, images, subject.question)


@dataclass(frozen=True)
class Finding:
    """What a check found: the names of what it objects to, all scores from 0 to 1 by name.

    `flagged` tells that it objects, also where it names nothing. `detail` is for staff and holds no text of a visitor
    and no key.
    """

    categories: frozenset[str] = frozenset()
    scores: Mapping[str, float] = field(default_factory=dict)
    flagged: bool = False
    detail: str = ""


NOTHING = Finding()

# Looks at the parts of a subject that a check is for, of which there is at least one. May block, for up to the seconds
# that the check may take; reads nothing from the database but what is kept for a moment. Raises `Unavailable`.
Examine = Callable[[Check, Subject], Finding]


class Unavailable(Exception):
    """A check gave no answer that can be used; the text says why and is safe to log."""


class Deadline:
    """The moment at which a check must have answered."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Give the seconds until then. Raises `Unavailable` when it is past."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Unavailable("the answer took too long")
        return left
