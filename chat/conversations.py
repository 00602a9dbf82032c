"""Read conversations the way the page shows them."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from django.db.models import Prefetch

from chat import events
from chat.failures import failure
from chat.images.store import image_info
from chat.models import Conversation, Message, MessageImage, Upload
from chat.registry import can_continue

# Rows of `feedback`, which this app may not import. Only the conversation's own visitor can vote on, flag or prefer its
# replies, so no filter by visitor is needed.
_SAID = ("votes", "flags", "preferred")

Position = tuple[int, int]  # epoch and offset in characters


def snapshot(
    conversation_id: uuid.UUID, visitor_key: uuid.UUID | None, have: Iterable[events.Held] = ()
) -> events.ConversationInfo | None:
    """Give a visitor's conversation with all its messages, each from where the visitor already has it.

    None for a conversation that does not exist, is deleted, or is somebody else's.
    """
    conversation = (
        Conversation.objects.owned_by(visitor_key).select_related("model").filter(pk=conversation_id).first()
    )
    if conversation is None:
        return None
    held = {item.message: (item.epoch, item.offset) for item in have}
    return events.ConversationInfo(
        id=conversation.pk,
        title=conversation.title,
        model=conversation.model.name,
        messages=[_stored_info(message, held) for message in _messages(conversation_id=conversation.pk)],
    )


def message_infos(ids: Iterable[uuid.UUID]) -> list[events.MessageInfo]:
    """Give messages by id, in the order of a conversation."""
    return [_stored_info(message, {}) for message in _messages(pk__in=list(ids))]


def message_info(
    message: Message,
    uploads: Iterable[Upload],
    opinion: events.Opinion | None = None,
    held: Position = (0, 0),
) -> events.MessageInfo:
    """Put a message into the form that the socket sends, from where the visitor already holds it."""
    epoch, offset = held
    # Who followed a live reply in the process that runs it may be ahead of the database, and stays there.
    if epoch != message.epoch or (offset > len(message.text) and not message.is_live):
        offset = 0
    return events.MessageInfo(
        id=message.pk,
        conversation=message.conversation_id,
        parent=message.parent_id,
        role=message.role,
        variant=message.variant,
        state=message.state,
        epoch=message.epoch,
        offset=offset,
        length=len(message.text),
        text=message.text[offset:],
        created=message.created.timestamp(),
        images=[image_info(upload) for upload in uploads],
        model=message.model.name if message.model else None,
        client_id=message.client_id,
        parameters=message.parameters,
        failure=failure(message.error_code),
        **msgspec.structs.asdict(opinion or events.Opinion()),
        continuable=message.model is not None and can_continue(message.model),
    )


def _stored_info(message: Message, held: Mapping[uuid.UUID, Position]) -> events.MessageInfo:
    return message_info(
        message,
        [image.upload for image in message.images.all()],
        _opinion(message),
        held.get(message.pk, (0, 0)),
    )


def opinions(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, events.Opinion]:
    """Give what was said of each of these replies by the visitor whose they are."""
    rows = Message.objects.filter(pk__in=list(ids)).only("pk").prefetch_related(*_SAID)
    return {message.pk: _opinion(message) for message in rows}


def _opinion(message: Message) -> events.Opinion:
    vote = next(iter(message.votes.all()), None)
    return events.Opinion(
        **{name: getattr(vote, name) for name in ("reasons", "comment")} if vote else {},
        vote=vote.value if vote else None,
        boxes=msgspec.convert(vote.boxes if vote else [], list[events.Box]),
        preferred=any(row.withdrawn is None for row in message.preferred.all()),
        flagged=bool(message.flags.all()),
    )


def branch(message: Message) -> list[tuple[Message, list[Upload]]]:
    """Give the messages from the first one to `message`, following `parent`, with their images in order.

    Of a message only what a model is told is read: each turn of a long conversation reads all before it.
    """
    before = {"conversation_id": message.conversation_id, "position__lte": message.position}
    by_id = {row.pk: row for row in Message.objects.filter(**before).only("parent", "role", "text")}
    uploads: defaultdict[uuid.UUID, list[Upload]] = defaultdict(list)
    images = MessageImage.objects.filter(**{f"message__{name}": value for name, value in before.items()})
    for image in images.select_related("upload__image").order_by("position"):
        uploads[image.message_id].append(image.upload)
    path: list[tuple[Message, list[Upload]]] = []
    current: Message | None = by_id.get(message.pk)
    while current is not None:
        path.append((current, uploads[current.pk]))
        current = by_id.get(current.parent_id) if current.parent_id else None
    return path[::-1]


def _messages(**conditions: Any) -> Iterable[Message]:
    return (
        Message.objects.filter(**conditions)
        .select_related("model")
        .prefetch_related(
            Prefetch("images", MessageImage.objects.select_related("upload__image").order_by("position")),
            *_SAID,
        )
        .in_order()
    )


def title_of(text: str) -> str:
    """Make a conversation's title from its first message: its first line, cut at a word."""
    line = " ".join(text.strip().split("\n", 1)[0].split())
    if len(line) <= 60:
        return line
    cut = line[:60].rsplit(" ", 1)[0]
    return (cut if len(cut) > 30 else line[:60]) + "…"
