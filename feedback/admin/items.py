"""Read an item of the review queue with all that a moderator needs to judge it."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Left

from chat.admin.conversations import Entry, entries
from chat.admin.links import EXCERPT
from chat.models import BlockedVisitor, HiddenReply, Message, ModerationEvent, Visitor
from feedback.models import Flag, Vote

MOST = 20  # of the visitor's other flags and votes each


@dataclass(frozen=True)
class Item:
    """Hold a message with its conversation, the open complaints, and what else its visitor said.

    `asked` is the message whose pictures it is about: the nearest one before it that has any, or a held one itself.
    """

    message: Message
    asked: uuid.UUID | None
    entries: list[Entry]
    flags: list[Flag]
    events: list[ModerationEvent]
    visitor: Visitor
    conversations: int
    other_flags: list[Flag]
    votes: list[Vote]
    blocks: list[BlockedVisitor]
    hidden: list[HiddenReply]


def read_items(messages: Collection[uuid.UUID]) -> list[Item]:
    """Read items in the order given; each takes as many queries however long its conversation is."""
    related = ("conversation__visitor", "conversation__model", "model", "withheld")
    found = Message.objects.select_related(*related).in_bulk(list(messages))
    return [_item(found[message]) for message in messages if message in found]


def _item(message: Message) -> Item:
    visitor = message.conversation.visitor
    flags = list(message.flags.awaiting_review().order_by("created"))
    # Who flagged is whose chat it is, but for logs of other sites.
    people = {visitor.pk, *(flag.visitor_id for flag in flags)}
    others = Flag.objects.filter(visitor__in=people).exclude(message=message)
    votes = Vote.objects.filter(visitor__in=people)
    chat = entries(message.conversation)
    return Item(
        message=message,
        asked=_asked(message, chat),
        entries=chat,
        flags=flags,
        events=list(message.moderation_events.awaiting_review().order_by("created")),
        visitor=visitor,
        conversations=visitor.conversations.count(),
        other_flags=list(_with_beginning(others)),
        votes=list(_with_beginning(votes)),
        blocks=list(visitor.blocks.in_force()),
        hidden=list(message.hidden.in_force()),
    )


def _asked(message: Message, chat: list[Entry]) -> uuid.UUID | None:
    by_id = {entry.message.pk: entry.message for entry in chat}
    current = by_id.get(message.pk)
    while current is not None and not current.images.all():
        current = by_id.get(current.parent_id) if current.parent_id else None
    return current.pk if current else None


def _with_beginning(rows: QuerySet[Any]) -> QuerySet[Any]:
    rows = rows.select_related("message").defer("message__text", "message__error_detail")
    return rows.annotate(beginning=Left("message__text", EXCERPT)).order_by("-created")[:MOST]
