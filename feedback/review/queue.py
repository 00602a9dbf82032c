"""What waits for a moderator: replies with open flags, and messages that a check held back."""

import datetime
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Count, Exists, Min, OuterRef, QuerySet

from chat.models import ModerationEvent
from chat.models.moderation import HELD
from chat.reasons import FlagReason
from feedback.models import Claim, Flag, Review

Order = Literal["oldest", "most"]
ORDERS: dict[Order, tuple[str, ...]] = {
    "oldest": ("since", "message_id"),
    "most": ("-number", "since", "message_id"),
}
NO_LANGUAGE = "none"


@dataclass(frozen=True)
class Wish:
    """Say which items a moderator wants, and which first. Dates are days of UTC, both included."""

    order: Order = "oldest"
    model: int | None = None
    reason: str = ""  # of a flag, or the outcome of a check
    language: str = ""
    first: datetime.date | None = None
    last: datetime.date | None = None


def waiting(wish: Wish, moderator: int | None = None) -> QuerySet[Any, dict[str, Any]]:
    """Give the items in order: `message_id`, `since` the oldest complaint, `number` of complaints.

    With a moderator, what others have claimed and what this moderator skipped is left out.
    """
    flags, events = Flag.objects.awaiting_review(), ModerationEvent.objects.awaiting_review()
    if wish.model:
        flags = flags.filter(message__model=wish.model)
        events = events.filter(message__conversation__model=wish.model)
    if wish.reason:
        flags = flags.filter(reason=wish.reason) if wish.reason in FlagReason.values else flags.none()
        events = events.filter(outcome=wish.reason) if wish.reason in HELD else events.none()
    parts = [_grouped(rows, wish, moderator) for rows in (flags, events)]
    return parts[0].union(parts[1], all=True).order_by(*ORDERS[wish.order])


def is_waiting(message: uuid.UUID) -> bool:
    """Tell whether a message has anything left to decide."""
    return any(
        rows.awaiting_review().filter(message=message).exists()
        for rows in (Flag.objects, ModerationEvent.objects)
    )


def _grouped(rows: QuerySet[Any], wish: Wish, moderator: int | None) -> QuerySet[Any, dict[str, Any]]:
    # What a visitor deleted is gone from everywhere; there is nothing left to hide.
    rows = rows.filter(message__conversation__deleted__isnull=True)
    if wish.language:
        language = "" if wish.language == NO_LANGUAGE else wish.language
        rows = rows.filter(message__conversation__language=language)
    if wish.first:
        rows = rows.filter(created__gte=_midnight(wish.first))
    if wish.last:
        rows = rows.filter(created__lt=_midnight(wish.last + datetime.timedelta(days=1)))
    if moderator is not None:
        same = {"message": OuterRef("message")}
        rows = rows.exclude(Exists(Claim.objects.in_force().filter(**same).exclude(moderator=moderator)))
        rows = rows.exclude(Exists(Review.objects.skips_of(moderator).filter(**same)))
    return rows.order_by().values("message_id").annotate(since=Min("created"), number=Count("pk"))


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)
