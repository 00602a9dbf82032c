"""What one model takes of a visitor, below what the site takes of anybody."""

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import ChatModel, Message, Upload
from chat.refusals import Refused


def check_path(model: ChatModel, path: Sequence[tuple[Message, Sequence[Upload]]]) -> None:
    """Raise `Refused` where a conversation, its question last, is more than a model takes."""
    question, uploads = path[-1]
    check_images(model, len(uploads))
    check_characters(len(question.text), model)
    check_turns(model, sum(not message.is_reply for message, _uploads in path))


def check_images(model: ChatModel, images: int) -> None:
    """Raise `Refused` for more images in a message than a model takes."""
    if images > model.max_images:
        raise Refused(
            "too_many_images",
            ngettext(
                "This model takes at most %(limit)s image in a message.",
                "This model takes at most %(limit)s images in a message.",
                model.max_images,
            )
            % {"limit": model.max_images},
            "images",
            model.max_images,
        )


def check_characters(characters: int, model: ChatModel | None = None) -> None:
    """Raise `Refused` for a longer message than the site takes, or a model of it."""
    limit = settings.MMCHAT_MAX_MESSAGE_CHARACTERS
    if model and model.max_characters:
        limit = min(limit, model.max_characters)
    if characters > limit:
        raise Refused(
            "message_too_long",
            _("The message has %(length)s characters; at most %(limit)s are allowed.")
            % {"length": characters, "limit": limit},
            "text",
            limit,
        )


def check_turns(model: ChatModel, turns: int) -> None:
    """Raise `Refused` for more messages of the visitor's in a conversation than a model takes."""
    if model.max_turns and turns > model.max_turns:
        raise Refused(
            "too_many_turns",
            ngettext(
                "This model takes at most %(limit)s message in a conversation. Start a new one.",
                "This model takes at most %(limit)s messages in a conversation. Start a new one.",
                model.max_turns,
            )
            % {"limit": model.max_turns},
            "conversation",
            model.max_turns,
        )
