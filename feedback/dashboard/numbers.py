"""What the dashboard counts, each by one query: over stored hours, beside which the open hours are counted once."""

import datetime
import json
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count, Min, Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast

from chat.models import ChatModel, ReplyState
from feedback.dashboard.hours import Counted, count, counted_until
from feedback.dashboard.intervals import Share, wilson
from feedback.dashboard.periods import HOUR, Span
from feedback.dashboard.times import merged, percentile
from feedback.models import Flag, Hour, HourOfReplies, Vote

ENDS = (ReplyState.COMPLETE, ReplyState.STOPPED, ReplyState.FAILED, ReplyState.INTERRUPTED)
# Flags wait so long at least; the last class has no end.
AGES = (
    datetime.timedelta(0),
    HOUR,
    datetime.timedelta(days=1),
    datetime.timedelta(days=7),
    datetime.timedelta(days=30),
)
_SPEEDS = ("tokens", "token_milliseconds", "characters", "character_milliseconds")

Model = int | None  # a model's key; None for one that was removed


class FirstToken(NamedTuple):
    """Times from asking the worker to its first token, in seconds, at most 5 % off."""

    replies: int
    median: float
    most: float  # 95 % of the replies took no longer


class Speed(NamedTuple):
    """How fast texts grew from their first token on; None where nothing tells."""

    tokens: float | None  # a second, of replies whose worker counts tokens
    characters: float | None  # a second, of the others


class Votes(NamedTuple):
    up: int
    down: int
    share: Share  # of upvotes among them


class Waiting(NamedTuple):
    """Open flags by age, as `AGES` has them, and when the oldest was made."""

    by_age: list[int]
    oldest: datetime.datetime | None


@dataclass(frozen=True)
class Numbers:
    """The numbers of a span. Made by `numbers_of`; each method asks the database once."""

    span: Span
    open_hours: Counted

    def conversations(self) -> list[int]:
        """Give how many began in each hour or day."""
        stored = Hour.objects.filter(start__gte=self.span.start).values_list("start", "conversations")
        return self._placed([*stored, *self.open_hours.conversations.items()])

    def replies(self) -> dict[str, list[int]]:
        """Give how many ended in each hour or day, by the state in which they ended."""
        counts: Counter[tuple[datetime.datetime, str]] = Counter()
        for hour, state, number in self._stored().values_list("hour_id", "state").annotate(Sum("replies")):
            counts[hour, state] += number
        for row in self.open_hours.replies:
            counts[row.hour_id, row.state] += row.replies
        return {
            end: self._placed([(hour, number) for (hour, state), number in counts.items() if state == end])
            for end in ENDS
        }

    def errors(self) -> Counter[str]:
        """Give how many replies ended by each error."""
        stored = self._stored().exclude(error_code="").values_list("error_code").annotate(Sum("replies"))
        counts = Counter(dict(stored))
        for row in self.open_hours.replies:
            if row.error_code:
                counts[row.error_code] += row.replies
        return counts

    def first_tokens(self) -> dict[Model, FirstToken]:
        stored = (
            self._stored()
            .annotate(times=Cast("first_tokens", TextField()))
            .exclude(times="{}")
            .values_list("model_id", "times")
        )
        opened = ((row.model_id, json.dumps(row.first_tokens)) for row in self.open_hours.replies)
        by_model: dict[Model, list[str]] = {}
        for model, times in [*stored, *opened]:
            by_model.setdefault(model, []).append(times)
        found = {}
        for model, texts in by_model.items():
            classes = merged(texts)
            median, most = percentile(classes, 0.5), percentile(classes, 0.95)
            if median is not None and most is not None:
                found[model] = FirstToken(classes.total(), median / 1000, most / 1000)
        return found

    def speeds(self) -> dict[Model, Speed]:
        sums: dict[Model, Counter[str]] = {}
        stored = self._stored().values_list("model_id").annotate(*(Sum(name) for name in _SPEEDS))
        opened = (
            (row.model_id, *(getattr(row, name) for name in _SPEEDS)) for row in self.open_hours.replies
        )
        for model, *numbers in [*stored, *opened]:
            sums.setdefault(model, Counter()).update(dict(zip(_SPEEDS, numbers, strict=True)))
        speeds = {
            model: Speed(
                _per_second(each["tokens"], each["token_milliseconds"]),
                _per_second(each["characters"], each["character_milliseconds"]),
            )
            for model, each in sums.items()
        }
        return {model: speed for model, speed in speeds.items() if speed != Speed(None, None)}

    def votes(self) -> dict[Model, Votes]:
        """Give the votes that stand and were first given in the span, imported ones too."""
        counts: dict[Model, Counter[str]] = {}
        rows = (
            Vote.objects.filter(created__gte=self.span.start)
            .order_by()
            .values_list("model_id", "value")
            .annotate(Count("pk"))
        )
        for model, value, number in rows:
            counts.setdefault(model, Counter())[value] += number
        return {
            model: Votes(each["up"], each["down"], wilson(each["up"], each["up"] + each["down"]))
            for model, each in counts.items()
        }

    def flags(self) -> Waiting:
        """Give the flags that wait, whenever they were made."""
        now = self.span.end
        ends = [*AGES[1:], None]
        columns = {
            f"age_{place}": Count("pk", filter=_aged(now, start, end))
            for place, (start, end) in enumerate(zip(AGES, ends, strict=True))
        }
        # As in the queue: nobody decides on what its visitor has deleted.
        waiting = Flag.objects.awaiting_review().filter(message__conversation__deleted__isnull=True)
        found = waiting.aggregate(oldest=Min("created"), **columns)
        return Waiting([found[name] for name in columns], found["oldest"])

    def _stored(self) -> QuerySet[HourOfReplies]:
        return HourOfReplies.objects.filter(hour__gte=self.span.start).order_by()

    def _placed(self, counts: list[tuple[datetime.datetime, int]]) -> list[int]:
        placed = [0] * len(self.span.starts)
        for moment, number in counts:
            placed[self.span.place(moment)] += number
        return placed


def numbers_of(span: Span) -> Numbers:
    """Count the open hours of a span; the rest is read when it is asked for."""
    since = max(span.start, counted_until() or span.start)
    return Numbers(span, count(since, span.end))


def names_of_models() -> dict[Model, str]:
    return dict(ChatModel.objects.values_list("pk", "name"))


def _per_second(number: int, milliseconds: int) -> float | None:
    return float(number) * 1000 / float(milliseconds) if milliseconds else None


def _aged(now: datetime.datetime, least: datetime.timedelta, most: datetime.timedelta | None) -> Q:
    aged = Q(created__lte=now - least) if least else Q()
    return aged & Q(created__gt=now - most) if most else aged
