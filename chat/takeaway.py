"""A visitor's conversation as data to take away. docs/data.md describes the format."""

import datetime
import uuid
from typing import Any

import msgspec
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from chat.conversations import opinions
from chat.images.store import image_info
from chat.models import Conversation, Message, MessageImage, Upload
from chat.refusals import Refused

FORMAT = "mmchat conversation 1"


def conversation(visitor_key: uuid.UUID, conversation_id: uuid.UUID, last: str = "") -> dict[str, Any]:
    """Give all that was said in a visitor's own conversation, variants too; `shown` is the branch up to `last`.

    Without `last` that is the newest message. Raises `Refused` for somebody else's conversation.
    """
    own = Conversation.objects.owned_by(visitor_key).select_related("model")
    found = own.filter(pk=conversation_id).first()
    if found is None:
        raise Refused("not_found", _("This conversation does not exist."), "conversation")
    images = MessageImage.objects.select_related("upload__image").order_by("position")
    messages = list(
        found.messages.select_related("model").prefetch_related(Prefetch("images", images)).in_order()
    )
    shown = _branch(messages, last)
    said = opinions([message.pk for message in messages if message.is_reply])
    return {
        "format": FORMAT,
        "id": str(found.pk),
        "title": found.title,
        "model": found.model.name,
        "created": _iso(found.created),
        "updated": _iso(found.updated),
        "messages": [
            {
                "id": str(message.pk),
                "parent": str(message.parent_id) if message.parent_id else None,
                "role": message.role,
                "shown": message.pk in shown,
                "created": _iso(message.created),
                "text": message.text,
                **(
                    _reply(message) | {"opinion": msgspec.to_builtins(said[message.pk])}
                    if message.is_reply
                    else {"images": [_image(each.upload) for each in message.images.all()]}
                ),
            }
            for message in messages
        ],
    }


def _reply(message: Message) -> dict[str, Any]:
    return {
        "model": message.model.name if message.model else None,
        "variant": message.variant,
        "state": message.state,
        "error": message.error_code or None,
        "parameters": message.parameters,
        "finished": _iso(message.finished),
    }


def _image(upload: Upload) -> dict[str, Any]:
    info = image_info(upload)
    return {
        "id": str(info.id),
        "name": info.name,
        "description": info.description,
        "width": info.width,
        "height": info.height,
        "md5": upload.image.md5,
        "url": info.url,
    }


def _branch(messages: list[Message], last: str) -> set[uuid.UUID]:
    """Give the messages from the first one to `last`, or to the newest one."""
    by_id = {message.pk: message for message in messages}
    newest = max(messages, key=lambda message: (message.created, message.position), default=None)
    at = next((message for message in messages if str(message.pk) == last), newest)
    shown = set()
    while at is not None:
        shown.add(at.pk)
        at = by_id.get(at.parent_id) if at.parent_id else None
    return shown


def _iso(time: datetime.datetime | None) -> str | None:
    return time.isoformat() if time else None
