"""What visitors may write beside a vote or flag."""

from django.utils.translation import gettext as _

from chat.refusals import Refused

MAX_COMMENT_CHARACTERS = 2000
MAX_REASONS = 16
MAX_REASON_CHARACTERS = 40
MAX_BODY_BYTES = 32 * 1024


def check_comment(comment: str) -> None:
    """Raise `Refused` for a comment that is too long or can't be stored."""
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise Refused(
            "comment_too_long",
            _("The comment has %(length)s characters; at most %(limit)s are allowed.")
            % {"length": len(comment), "limit": MAX_COMMENT_CHARACTERS},
            "comment",
            MAX_COMMENT_CHARACTERS,
        )
    check_storable(comment, "comment")


def check_storable(text: str, field: str) -> None:
    """Raise `Refused` for a text with a NUL, which PostgreSQL can't hold."""
    if "\0" in text:
        raise Refused("text_unreadable", _("The text holds a NUL character, which can't be stored."), field)
