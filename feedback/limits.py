"""What visitors may write beside a vote or flag."""

from django.utils.translation import gettext as _

from chat.refusals import Refused

MAX_COMMENT_CHARACTERS = 2000
MAX_BOXES = 10
MIN_BOX_PIXELS = 4  # a side; nobody means less


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
    if "\0" in comment:  # PostgreSQL can't hold one
        raise Refused(
            "text_unreadable", _("The text holds a NUL character, which can't be stored."), "comment"
        )
