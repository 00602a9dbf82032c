"""Find what an export holds, in the order in which it came: what and when, without conversations.

The queries read one table each, page by page, each page found by the last key of the one before. With joins, a
database whose statistics are missing or old plans a page so badly that it takes a second and not a few milliseconds.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from chat.models import ChatModel, Message, ReplyState
from chat.models.conversations import LIVE_STATES
from chat.moderation.verdicts import REFUSAL_CODES
from feedback.exchange.choice import Choice
from feedback.exchange.records import IMPORTED, LOGGED, VOTE_KINDS, Kind, Said
from feedback.models import Flag, LogLine, Preference, Vote
from feedback.preferences import preference_pairs

PAGE = 2000  # heads read by one query


class Head(NamedTuple):
    """What and when, before its conversation is read; `order` is unique."""

    order: tuple[datetime, int, Any]
    kind: Kind
    when: datetime
    message_id: uuid.UUID
    conversation_id: uuid.UUID | None = (
        None  # this and the model are known of chats; votes and flags know only the reply
    )
    model_id: int | None = None
    visitor_id: uuid.UUID | None = None  # of votes, flags and preferences
    start: datetime | None = None
    said: Said = Said()
    rejected_id: uuid.UUID | None = None
    source: str = ""
    line_id: uuid.UUID | None = None  # of imported lines
    other_id: uuid.UUID | None = None  # the second reply of a battle


def heads(choice: Choice, as_logged: str = "") -> Iterator[Head]:
    """Give all that the choice may hold, oldest first; of equal times a chat before what was said about it.

    Of conversations whose log was of the kind `as_logged`, the log's lines are heads too. Filters that need more than
    one table are not applied yet.
    """
    lines = _lines(_lines_in(choice, as_logged))
    sources = [_chats(choice), _votes(choice), _flags(choice), _preferences(choice), lines]
    return merge(*sources, key=lambda head: head.order)


def count(choice: Choice, as_logged: str = "") -> int:
    """Count the heads, without those of deleted conversations; preferences only as far as they were marked."""
    number = 0
    for rows in (_replies_in(choice), _votes_in(choice), _flags_in(choice)):
        if rows is None:
            continue
        path = "" if rows.model is Message else "message__"
        visible = rows.filter(**{f"{path}conversation__deleted__isnull": True})
        number += visible.exclude(**{f"{path}error_code__in": REFUSAL_CODES}).count()
    if "preference" in choice.types:
        number += _within(Preference.objects.standing(), choice).count()
    lines = _lines_in(choice, as_logged)
    return number + lines.filter(message__conversation__deleted__isnull=True).count()


def exported_replies() -> QuerySet[Message]:
    """All replies that ended, with a text or complete, and that moderation did not keep from the model."""
    return (
        Message.objects.replies()
        .filter(Q(state=ReplyState.COMPLETE) | ~Q(text=""))
        .exclude(state__in=LIVE_STATES)
        .exclude(error_code__in=REFUSAL_CODES)
    )


def _replies_in(choice: Choice) -> QuerySet[Message] | None:
    if "chat" not in choice.types:
        return None
    rows = _within(exported_replies(), choice)
    if choice.models:
        ids = list(ChatModel.objects.filter(name__in=choice.models).values_list("pk", flat=True))
        rows = rows.filter(Q(model__in=ids) | Q(model__isnull=True))
    return rows


def _votes_in(choice: Choice) -> QuerySet[Vote] | None:
    values = [value for value, kind in VOTE_KINDS.items() if kind in choice.types]
    return _within(Vote.objects.filter(value__in=values), choice) if values else None


def _flags_in(choice: Choice) -> QuerySet[Flag] | None:
    return _within(Flag.objects.all(), choice) if "flag" in choice.types else None


def _lines_in(choice: Choice, as_logged: str) -> QuerySet[LogLine]:
    if IMPORTED in choice.types:
        rows = LogLine.objects.exclude(kind="")
    elif as_logged:
        rows = LogLine.objects.filter(source=as_logged, kind__in=choice.types)
    else:
        return LogLine.objects.none()
    if choice.since:
        rows = rows.filter(when__gte=choice.since)
    return rows.filter(when__lt=choice.until) if choice.until else rows


def _within(rows: QuerySet[Any], choice: Choice) -> QuerySet[Any]:
    if choice.since:
        rows = rows.filter(created__gte=choice.since)
    return rows.filter(created__lt=choice.until) if choice.until else rows


def _chats(choice: Choice) -> Iterator[Head]:
    rows = _replies_in(choice)
    if rows is None:
        return
    rows = rows.annotate(
        start=Coalesce("sent", "created"), when=Coalesce("finished", "first_answered", "sent", "created")
    )
    names = ("start", "when", "conversation_id", "model_id")
    for created, pk, start, when, conversation_id, model_id in _paged(rows, *names):
        yield Head((created, 0, pk.hex), "chat", when, pk, conversation_id, model_id, start=start)


def _votes(choice: Choice) -> Iterator[Head]:
    rows = _votes_in(choice)
    if rows is None:
        return
    names = ("changed", "value", "message_id", "visitor_id", "reasons", "comment", "boxes")
    for created, pk, changed, value, message_id, visitor_id, reasons, comment, boxes in _paged(rows, *names):
        yield Head(
            (created, 1, pk),
            VOTE_KINDS[value],
            changed,
            message_id,
            visitor_id=visitor_id,
            said=Said(tuple(reasons), comment, boxes),
        )


def _flags(choice: Choice) -> Iterator[Head]:
    rows = _flags_in(choice)
    if rows is None:
        return
    names = ("message_id", "visitor_id", "reason", "comment", "state")
    for created, pk, message_id, visitor_id, reason, comment, state in _paged(rows, *names):
        said = Said((reason,), comment, state=state)
        yield Head((created, 2, pk), "flag", created, message_id, visitor_id=visitor_id, said=said)


def _preferences(choice: Choice) -> Iterator[Head]:
    if "preference" not in choice.types:
        return
    for pair in preference_pairs():
        if (choice.since and pair.when < choice.since) or (choice.until and pair.when >= choice.until):
            continue
        yield Head(
            (pair.when, 3, (pair.chosen.hex, pair.rejected.hex, pair.visitor.hex)),
            "preference",
            pair.when,
            pair.chosen,
            visitor_id=pair.visitor,
            rejected_id=pair.rejected,
            source=pair.source,
        )


def _lines(rows: QuerySet[LogLine]) -> Iterator[Head]:
    names = ("message_id", "visitor_id", "other_id", "kind")
    for when, pk, message_id, visitor_id, other_id, kind in _paged(rows, *names, by="when"):
        shown: Kind = kind if kind in LOGGED else IMPORTED
        order = (when, 4, pk.hex)
        yield Head(order, shown, when, message_id, visitor_id=visitor_id, line_id=pk, other_id=other_id)


def _paged(rows: QuerySet[Any], *names: str, by: str = "created") -> Iterator[tuple[Any, ...]]:
    """Give a time, `pk` and these fields of all rows, ordered by the first two, a page at a time."""
    page = rows.order_by(by, "pk").values_list(by, "pk", *names)
    after = page
    while found := list(after[:PAGE]):
        yield from found
        last, pk = found[-1][:2]
        # The first condition says nothing that the second doesn't; it is what the index understands.
        after = page.filter(**{f"{by}__gte": last}).filter(Q(**{f"{by}__gt": last}) | Q(pk__gt=pk))
