"""Read log lines of other servers back from the database, as they were imported."""

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from chat.models import Conversation, Message, MessageImage, ReplyState
from feedback.exchange.logged import TIMES, Told, fill
from feedback.exchange.records import Record
from feedback.models import LogLine, LogShape


class _Said(NamedTuple):
    parent: uuid.UUID | None
    text: str
    complete: bool
    conversation: uuid.UUID


def encode(record: Record) -> bytes | None:
    """Give one line."""
    return json.dumps(record.imported).encode("ascii") + b"\n" if record.imported else None


def imported_lines(
    ids: Collection[uuid.UUID], addresses: Mapping[uuid.UUID, str]
) -> dict[uuid.UUID, dict[str, Any]]:
    """Give these lines' fields. `addresses` are those of visitors; where one is missing, the line has none."""
    if not ids:
        return {}
    names = ("pk", "shape", "message", "other", "visitor", "rest", *TIMES)
    rows: list[Any] = list(LogLine.objects.filter(pk__in=ids).order_by().values_list(*names))
    shapes = {
        pk: json.loads(text)
        for pk, text in LogShape.objects.filter(pk__in={row[1] for row in rows}).values_list("pk", "text")
    }
    replies = {reply for row in rows for reply in (row[2], row[3]) if reply}
    messages, images, sources = _read(replies)
    found = {}
    for pk, shape, message, other, visitor, rest, *times in rows:
        ends = [reply for reply in (message, other) if reply]
        own = json.loads(rest) if rest else {}
        if visitor not in addresses:
            own.pop("ip", None)
        found[pk] = fill(
            shapes[shape],
            dict(zip(TIMES, times, strict=True)),
            [_path(end, messages, images) for end in ends],
            [sources[messages[end].conversation] for end in ends],
            addresses.get(visitor, ""),
            own,
        )
    return found


def _read(
    replies: Collection[uuid.UUID],
) -> tuple[dict[uuid.UUID, _Said], dict[uuid.UUID, list[str]], dict[uuid.UUID, str]]:
    places = set(Message.objects.filter(pk__in=replies).order_by().values_list("conversation_id", flat=True))
    rows = Message.objects.filter(conversation__in=places).order_by()
    messages = {
        pk: _Said(parent, text, state == ReplyState.COMPLETE, conversation)
        for pk, parent, text, state, conversation in rows.values_list(
            "pk", "parent_id", "text", "state", "conversation_id"
        )
    }
    images: dict[uuid.UUID, list[str]] = defaultdict(list)
    shown = MessageImage.objects.filter(message__conversation__in=places).order_by("message", "position")
    for message, md5 in shown.values_list("message", "upload__image__md5"):
        images[message].append(md5)
    sources = dict(Conversation.objects.filter(pk__in=places).order_by().values_list("pk", "source_id"))
    return messages, images, sources


def _path(
    end: uuid.UUID, messages: Mapping[uuid.UUID, _Said], images: Mapping[uuid.UUID, list[str]]
) -> list[Told]:
    path: list[Told] = []
    reply: uuid.UUID | None = end
    while reply is not None:
        answer = messages[reply]
        if answer.parent is None:
            break
        asked = messages[answer.parent]
        path.append(Told(asked.text, tuple(images.get(answer.parent, ())), answer.text, answer.complete))
        reply = asked.parent
    return path[::-1]
