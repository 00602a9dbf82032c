"""Read conversations the way the page shows them."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from django.db.models import Prefetch

from chat import events
from chat.branches import Tree, tree_of
from chat.failures import failure, notice
from chat.images.store import image_info
from chat.models import Conversation, Message, MessageImage, Upload
from chat.registry import can_continue

# Rows of `feedback`, which this app may not import. Only the conversation's own visitor can vote on, flag or prefer its
# replies, so no filter by visitor is needed.
_SAID = ("votes", "flags", "preferred")

Position = tuple[int, int]  # epoch and offset in characters


PAGE = 20  # messages that are sent of a branch at once
MOST = 500  # of those that a page holds already and comes back for
MOST_ILLUSTRATED = 32  # messages before those that are sent whose images are told of


class Earlier(msgspec.Struct):
    """Messages of a branch before one that a page holds, oldest first, and the images of those before them."""

    messages: list[events.MessageInfo]
    images: list[list[events.ImageInfo]]


def snapshot(
    conversation_id: uuid.UUID,
    visitor_key: uuid.UUID | None,
    have: Iterable[events.Held] = (),
    at: uuid.UUID | None = None,
) -> events.ConversationInfo | None:
    """Give the end of a branch of a visitor's conversation, each message from where the visitor already has it.

    It is the branch on which `at` is, or the newest message, and goes back to `at` and to what the visitor holds of
    it. Replies that run are given on whatever branch they are. None for a conversation that does not exist, is
    deleted, or is somebody else's.
    """
    conversation = (
        Conversation.objects.owned_by(visitor_key).select_related("model").filter(pk=conversation_id).first()
    )
    if conversation is None:
        return None
    held = {item.message: (item.epoch, item.offset) for item in have}
    tree = tree_of(conversation.pk)
    leaf = tree.newest_leaf(at if at and at in tree else None)
    branch = tree.branch(leaf)
    wanted = (place for place, message in enumerate(branch) if message in held or message == at)
    start = max(0, min(next(wanted, len(branch)), len(branch) - PAGE), len(branch) - MOST)
    return events.ConversationInfo(
        id=conversation.pk,
        title=conversation.title,
        model=conversation.model.name,
        leaf=leaf,
        messages=_stored_infos(tree, [*branch[start:], *tree.live()], held),
        images=_images(conversation.pk, branch[:start]),
    )


def earlier(conversation_id: uuid.UUID, visitor_key: uuid.UUID | None, before: uuid.UUID) -> Earlier | None:
    """Give the messages that led to `before`, the last page of them.

    None where the conversation is none of this visitor's, or the message none of it.
    """
    if not Conversation.objects.owned_by(visitor_key).filter(pk=conversation_id).exists():
        return None
    tree = tree_of(conversation_id)
    if before not in tree:
        return None
    branch = tree.branch(before)[:-1]
    start = max(0, len(branch) - PAGE)
    return Earlier(_stored_infos(tree, branch[start:], {}), _images(conversation_id, branch[:start]))


def message_infos(ids: Collection[uuid.UUID]) -> list[events.MessageInfo]:
    """Give messages of one conversation by id, in its order."""
    conversation = Message.objects.filter(pk__in=ids).values_list("conversation_id", flat=True).first()
    return _stored_infos(tree_of(conversation), ids, {}) if conversation else []


def siblings_of(message: Message) -> list[uuid.UUID]:
    """Give the messages that follow what this one follows, oldest first, itself among them."""
    beside = Message.objects.filter(conversation_id=message.conversation_id, parent_id=message.parent_id)
    return list(beside.in_order().values_list("pk", flat=True))


def message_info(
    message: Message,
    uploads: Iterable[Upload],
    opinion: events.Opinion | None = None,
    held: Position = (0, 0),
    siblings: Sequence[uuid.UUID] = (),
) -> events.MessageInfo:
    """Put a message into the form that the socket sends, from where the visitor already holds it.

    Without `siblings` it stands alone, as a new one does.
    """
    epoch, offset = held
    # Who followed a live reply in the process that runs it may be ahead of the database, and stays there.
    if epoch != message.epoch or (offset > len(message.text) and not message.is_live):
        offset = 0
    return events.MessageInfo(
        id=message.pk,
        conversation=message.conversation_id,
        parent=message.parent_id,
        siblings=list(siblings) or [message.pk],
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
        notice=notice(message.notice),
        **msgspec.structs.asdict(opinion or events.Opinion()),
        continuable=message.model is not None and can_continue(message.model),
        cut=message.is_cut,
        pace=_pace(message),
    )


def _pace(message: Message) -> events.Pace | None:
    """Tell how quickly a reply came; none of one that began with another's text, which cost no time."""
    if message.first_answered is None or message.finished is None or message.continues_id:
        return None
    return events.Pace(
        first=(message.first_answered - message.created).total_seconds(),
        seconds=(message.finished - message.first_answered).total_seconds(),
        tokens=message.output_tokens,
    )


def _stored_infos(
    tree: Tree, ids: Collection[uuid.UUID], held: Mapping[uuid.UUID, Position]
) -> list[events.MessageInfo]:
    return [
        message_info(
            message,
            [image.upload for image in message.images.all()],
            _opinion(message),
            held.get(message.pk, (0, 0)),
            tree.siblings(message.pk),
        )
        for message in _messages(pk__in=ids)
    ]


def _images(conversation_id: uuid.UUID, messages: Collection[uuid.UUID]) -> list[list[events.ImageInfo]]:
    """Give the images of the newest of these messages of a conversation that have some."""
    if not messages:
        return []
    rows = MessageImage.objects.filter(message__conversation_id=conversation_id).order_by("position")
    found: defaultdict[uuid.UUID, list[events.ImageInfo]] = defaultdict(list)
    for row in rows.select_related("upload__image"):
        found[row.message_id].append(image_info(row.upload))
    return [found[message] for message in messages if message in found][-MOST_ILLUSTRATED:]


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
    """Make a title from a first message: its first line, cut at a word; "" where nothing of it can be seen."""
    line = " ".join(text.strip().split("\n", 1)[0].split())
    if len(line) <= 60:
        return line if can_be_seen(line) else ""
    cut = line[:60].rsplit(" ", 1)[0]
    return (cut if len(cut) > 30 else line[:60]) + "…"


def can_be_seen(text: str) -> bool:
    """Tell whether a text holds more than spaces and signs without width, which nobody could click."""
    return any(character.isprintable() and not character.isspace() for character in text)
