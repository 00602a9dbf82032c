"""Count hours: those that are over are counted once and stored, the rest whenever somebody looks.

A reply belongs to the hour in which it ended, so what has been counted does not change. What was imported from other
servers' logs did not happen here and is left out.
"""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Coalesce, Length
from django.utils import timezone

from chat.chores import Work
from chat.models import Conversation, Message
from feedback.dashboard.periods import HOUR, LONGEST
from feedback.dashboard.times import time_class
from feedback.models import Hour, HourOfReplies

# What ended in an hour may be committed a little later, and the clocks of machines differ by some seconds.
SETTLED = datetime.timedelta(minutes=10)
# A text that came at once tells nothing of its worker's speed.
LEAST_MILLISECONDS = 100

Key = tuple[datetime.datetime, int | None, str, str]


@dataclass
class Counted:
    """What began and ended in some hours: conversations by hour, and rows of replies that are not stored."""

    conversations: Counter[datetime.datetime] = field(default_factory=Counter)
    replies: list[HourOfReplies] = field(default_factory=list)


def count(since: datetime.datetime, until: datetime.datetime) -> Counted:
    """Count what happened from `since` up to, and not including, `until`."""
    began = Conversation.objects.filter(source="", created__gte=since, created__lt=until).order_by()
    counted = Counted(Counter(hour_of(moment) for moment in began.values_list("created", flat=True)))
    rows: dict[Key, HourOfReplies] = {}
    ended = (
        Message.objects.replies()
        .filter(conversation__source="", finished__gte=since, finished__lt=until)
        .order_by()
        # A reply that goes on begins with the text of the one that broke off, which was counted with that.
        .annotate(length=Length("text") - Coalesce(Length("continues__text"), 0))
        .values_list(
            "finished", "model_id", "state", "error_code", "sent", "first_answered", "output_tokens", "length"
        )
    )
    for finished, model, state, code, sent, first, tokens, length in ended.iterator():
        if finished is None:
            continue  # not in these hours; for the type checker
        key = (hour_of(finished), model, state, code)
        row = rows.get(key)
        if row is None:
            row = rows[key] = HourOfReplies(hour_id=key[0], model_id=model, state=state, error_code=code)
        row.replies += 1
        if sent and first:
            number = str(time_class((first - sent) / datetime.timedelta(milliseconds=1)))
            row.first_tokens[number] = row.first_tokens.get(number, 0) + 1
        if first:
            _add_speed(row, (finished - first) // datetime.timedelta(milliseconds=1), tokens, length)
    counted.replies.extend(rows.values())
    return counted


def _add_speed(row: HourOfReplies, milliseconds: int, tokens: int | None, characters: int) -> None:
    if milliseconds < LEAST_MILLISECONDS:
        return
    if tokens is not None:
        row.tokens += tokens
        row.token_milliseconds += milliseconds
    elif characters > 0:
        row.characters += characters
        row.character_milliseconds += milliseconds


def hour_of(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def counted_until() -> datetime.datetime | None:
    """Give the end of the last hour that is stored; there is no gap before it."""
    last = Hour.objects.aggregate(last=Max("start"))["last"]
    return last + HOUR if last else None


def close_hours() -> dict[str, int]:
    """Count and store all hours that are over, the oldest first; give how many."""
    closed = 0
    for start in _due(timezone.now()):
        counted = count(start, start + HOUR)
        try:
            with transaction.atomic():
                hour = Hour.objects.create(start=start, conversations=counted.conversations.total())
                HourOfReplies.objects.bulk_create(counted.replies)
        except IntegrityError:
            break  # another process does this
        closed += bool(hour)
    return {"hours": closed}


def _due(now: datetime.datetime) -> Iterable[datetime.datetime]:
    start = counted_until()
    if start is None:
        first = (
            Conversation.objects.filter(source="")
            .order_by("created")
            .values_list("created", flat=True)
            .first()
        )
        if first is None:
            return
        start = hour_of(max(first, now - LONGEST))
    while start + HOUR + SETTLED <= now:
        yield start
        start += HOUR


CLOSING = Work(datetime.timedelta(minutes=15), close_hours)
