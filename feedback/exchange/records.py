"""Read chats, votes and flags from the database in the order in which they came, in constant memory.

Heads (what and when, without texts) come page by page, each page found by the last key of the one before;
the conversations of a few hundred heads are then read at once. Run it inside `snapshot()`.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Literal, NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from chat.models import ChatModel, Conversation, Message, MessageImage, ReplyState, Visitor
from chat.models.conversations import LIVE_STATES
from chat.moderation import REFUSAL_CODES
from chat.prompts.families import FAMILIES, Family, choose_family
from feedback.models import Flag, Vote

Kind = Literal["chat", "upvote", "downvote", "flag"]
KINDS: tuple[Kind, ...] = ("chat", "upvote", "downvote", "flag")
VOTE_KINDS: dict[str, Kind] = {Vote.Value.UP.value: "upvote", Vote.Value.DOWN.value: "downvote"}

PAGE = 2000  # heads read by one query
BATCH = 500  # heads whose conversations are in memory together


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold a visitor's message with the MD5s of its images, and the reply to it."""

    text: str
    images: tuple[str, ...]
    reply: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Record:
    """Hold one line's facts: a reply, or a vote or flag on one, with the conversation that led to it.

    `turns` end with the reply and leave out, as prompts do, earlier turns that got no answer. `when` is the end of
    a reply or the time of a vote or flag; `start`, of chats only, when the worker was asked. `ip` is the address,
    or its keyed hash where addresses are not kept.
    """

    kind: Kind
    when: datetime
    start: datetime | None
    model: str
    family: Family
    system_message: str
    turns: list[Turn]
    ip: str
    conversation_id: uuid.UUID
    message_id: uuid.UUID


class _Head(NamedTuple):
    order: tuple[datetime, int, Any]
    kind: Kind
    when: datetime
    message_id: uuid.UUID
    conversation_id: uuid.UUID | None = None  # of chats; votes and flags know only the reply
    visitor_id: uuid.UUID | None = None  # of votes and flags
    start: datetime | None = None


class _Message(NamedTuple):
    id: uuid.UUID
    parent_id: uuid.UUID | None
    text: str
    state: str
    error_code: str
    model_id: int | None


class _Conversation(NamedTuple):
    visitor_id: uuid.UUID
    model_id: int
    template: str
    system_message: str


class _Model(NamedTuple):
    name: str
    template: str
    system_message: str


def records(kinds: Collection[Kind] = KINDS) -> Iterator[Record]:
    """Give the records of these kinds, oldest first; of equal times a chat before what was said about it.

    Left out: deleted conversations, replies that still run or ended without a word, and whatever moderation
    kept from the model.
    """
    models = _read_models()
    heads = merge(_chats(kinds), _votes(kinds), _flags(kinds), key=lambda head: head.order)
    while batch := list(islice(heads, BATCH)):
        yield from _with_conversations(batch, models)


def count(kinds: Collection[Kind] = KINDS) -> int:
    """Count the records of these kinds."""
    number = 0
    if "chat" in kinds:
        number += _replies().filter(conversation__deleted__isnull=True).count()
    for rows in (_votes_of(kinds), _flags_of(kinds)):
        visible = rows.filter(message__conversation__deleted__isnull=True)
        number += visible.exclude(message__error_code__in=REFUSAL_CODES).count()
    return number


# The queries of heads read one table each. With the joins that `count` has, a database whose statistics are
# missing or old plans a page so badly that it takes a second and not a few milliseconds.


def _replies() -> QuerySet[Message]:
    return (
        Message.objects.replies()
        .filter(Q(state=ReplyState.COMPLETE) | ~Q(text=""))
        .exclude(state__in=LIVE_STATES)
        .exclude(error_code__in=REFUSAL_CODES)
    )


def _votes_of(kinds: Collection[Kind]) -> QuerySet[Vote]:
    return Vote.objects.filter(value__in=[value for value, kind in VOTE_KINDS.items() if kind in kinds])


def _flags_of(kinds: Collection[Kind]) -> QuerySet[Flag]:
    return Flag.objects.all() if "flag" in kinds else Flag.objects.none()


def _chats(kinds: Collection[Kind]) -> Iterator[_Head]:
    if "chat" not in kinds:
        return
    rows = _replies().annotate(
        start=Coalesce("sent", "created"), when=Coalesce("finished", "first_answered", "sent", "created")
    )
    for created, pk, start, when, conversation_id in _paged(rows, "start", "when", "conversation_id"):
        yield _Head((created, 0, pk.hex), "chat", when, pk, conversation_id, start=start)


def _votes(kinds: Collection[Kind]) -> Iterator[_Head]:
    rows = _votes_of(kinds)
    for created, pk, changed, value, message_id, visitor_id in _paged(
        rows, "changed", "value", "message_id", "visitor_id"
    ):
        yield _Head((created, 1, pk), VOTE_KINDS[value], changed, message_id, visitor_id=visitor_id)


def _flags(kinds: Collection[Kind]) -> Iterator[_Head]:
    for created, pk, message_id, visitor_id in _paged(_flags_of(kinds), "message_id", "visitor_id"):
        yield _Head((created, 2, pk), "flag", created, message_id, visitor_id=visitor_id)


def _paged(rows: QuerySet[Any], *fields: str) -> Iterator[tuple[Any, ...]]:
    """Give `created`, `pk` and these fields of all rows, ordered by the first two, a page at a time."""
    page = rows.order_by("created", "pk").values_list("created", "pk", *fields)
    after = page
    while found := list(after[:PAGE]):
        yield from found
        created, pk = found[-1][:2]
        # The first condition says nothing that the second doesn't; it is what the index understands.
        after = page.filter(created__gte=created).filter(Q(created__gt=created) | Q(pk__gt=pk))


def _with_conversations(heads: Collection[_Head], models: Mapping[int, _Model]) -> Iterator[Record]:
    places = {head.message_id: head.conversation_id for head in heads if head.conversation_id}
    places |= _read_places({head.message_id for head in heads} - places.keys())
    conversations = _read_conversations(set(places.values()))
    messages = _read_messages(conversations)
    images = _read_images(conversations)
    visitors = {conversation.visitor_id for conversation in conversations.values()}
    addresses = _read_addresses(visitors | {head.visitor_id for head in heads if head.visitor_id})
    for head in heads:
        conversation_id = places[head.message_id]
        conversation = conversations.get(conversation_id)
        if conversation is None:
            continue
        reply = messages[head.message_id]
        if reply.error_code in REFUSAL_CODES:
            continue
        model = models[reply.model_id or conversation.model_id]
        # As the engine asked: a reply of another model than the conversation's used that model's settings.
        as_begun = reply.model_id in (None, conversation.model_id)
        template = (as_begun and conversation.template) or model.template
        yield Record(
            kind=head.kind,
            when=head.when,
            start=head.start,
            model=model.name,
            family=FAMILIES.get(template) or FAMILIES[choose_family(model.name)],
            system_message=conversation.system_message if as_begun else model.system_message,
            turns=_turns(reply, messages, images),
            ip=addresses[head.visitor_id or conversation.visitor_id],
            conversation_id=conversation_id,
            message_id=head.message_id,
        )


def _turns(
    reply: _Message, messages: dict[uuid.UUID, _Message], images: dict[uuid.UUID, list[str]]
) -> list[Turn]:
    turns: list[Turn] = []
    answer: _Message | None = reply
    while answer is not None:
        question = messages.get(answer.parent_id) if answer.parent_id else None
        if question is None:
            break
        if answer.text or answer is reply:
            turns.append(
                Turn(
                    text=question.text,
                    images=tuple(images.get(question.id, ())),
                    reply=answer.text,
                    complete=answer.state == ReplyState.COMPLETE,
                )
            )
        answer = messages.get(question.parent_id) if question.parent_id else None
    return turns[::-1]


def _read_models() -> dict[int, _Model]:
    return {
        pk: _Model(*rest)
        for pk, *rest in ChatModel.objects.values_list("pk", "name", "template", "system_message")
    }


def _read_places(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Tell in which conversation each of these replies is."""
    return dict(Message.objects.filter(pk__in=ids).order_by().values_list("pk", "conversation_id"))


def _read_conversations(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, _Conversation]:
    """Read those of these conversations that are not deleted."""
    rows = (
        Conversation.objects.visible()
        .filter(pk__in=ids)
        .order_by()
        .values_list("pk", "visitor_id", "model_id", "template", "system_message")
    )
    return {
        pk: _Conversation(visitor, model, template, system) for pk, visitor, model, template, system in rows
    }


def _read_addresses(keys: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Give each visitor's address, or its hash where addresses are not kept."""
    rows = Visitor.objects.filter(pk__in=keys).values_list("pk", "address", "address_hash")
    return {pk: address or hashed for pk, address, hashed in rows}


def _read_messages(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, _Message]:
    rows = (
        Message.objects.filter(conversation_id__in=ids)
        .order_by()
        .values_list("pk", "parent_id", "text", "state", "error_code", "model_id")
    )
    return {row[0]: _Message(*row) for row in rows}


def _read_images(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    found: dict[uuid.UUID, list[str]] = defaultdict(list)
    rows = (
        MessageImage.objects.filter(message__conversation_id__in=ids)
        .order_by("message_id", "position")
        .values_list("message_id", "upload__image__md5")
    )
    for message_id, md5 in rows:
        found[message_id].append(md5)
    return found
