"""Whose turn it is: a claim on an item, which one moderator has at a time and loses after ten minutes."""

import datetime
import uuid
from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now

from feedback.models import Claim
from feedback.review.queue import Wish, is_waiting, waiting

AHEAD = 20  # candidates that are read at once; others may take some of them meanwhile
ROUNDS = 5


def take(moderator: int, wish: Wish, number: int, besides: Collection[uuid.UUID] = ()) -> list[uuid.UUID]:
    """Claim up to `number` items that nobody has, in the order of the wish; `besides` are left alone.

    What this moderator has claimed before and not let go comes again, its time begun anew.
    """
    taken: list[uuid.UUID] = []
    tried = set(besides)
    for _ in range(ROUNDS):
        found = [row["message_id"] for row in waiting(wish, moderator)[: AHEAD + len(tried)]]
        fresh = [message for message in found if message not in tried]
        for message in fresh:
            if len(taken) == number:
                return taken
            tried.add(message)
            if claim(moderator, message):
                taken.append(message)
        if len(taken) == number or not fresh:
            break
    return taken


@transaction.atomic
def claim(moderator: int, message: uuid.UUID) -> bool:
    """Take one item, or tell that somebody else has it or that nothing is left to decide."""
    if (
        not hold(moderator, [message])
        and not _take_over(moderator, message)
        and not _insert(moderator, message)
    ):
        return False
    # It may have been decided between looking and taking; from here on only this moderator decides it.
    if is_waiting(message):
        return True
    release(moderator, [message])
    return False


def hold(moderator: int, messages: Collection[uuid.UUID]) -> int:
    """Begin the time of these anew where the claim is still this moderator's; give how many are."""
    return Claim.objects.filter(message__in=messages, moderator=moderator).update(taken=Now())


def held(moderator: int, messages: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Give those of these messages, in their order, that the moderator has."""
    mine = set(Claim.objects.filter(message__in=messages, moderator=moderator).values_list("pk", flat=True))
    return [message for message in messages if message in mine]


def release(moderator: int, messages: Collection[uuid.UUID]) -> int:
    """Let go of these; give how many were this moderator's."""
    return Claim.objects.filter(message__in=messages, moderator=moderator).delete()[0]


def last_taken(moderator: int, messages: Collection[uuid.UUID]) -> datetime.datetime | None:
    """Give when the newest of the moderator's claims on these was taken, by the database's clock."""
    mine = Claim.objects.filter(message__in=messages, moderator=moderator)
    return mine.aggregate(last=Max("taken"))["last"]


def release_unless_taken_since(
    moderator: int, messages: Collection[uuid.UUID], last: datetime.datetime
) -> int:
    """Let go of these for a page that knows of no claim after `last`; what another page took since stays.

    A page that is loaded again tells that it was left only when the new one has claimed its items.
    """
    # SQLite's clock has milliseconds, and compares them as text.
    end = last + datetime.timedelta(milliseconds=1)
    known = Claim.objects.filter(message__in=messages, moderator=moderator, taken__lt=end)
    return known.delete()[0]


def _take_over(moderator: int, message: uuid.UUID) -> bool:
    # One conditional UPDATE: of two who find a claim expired, the second finds it fresh.
    expired = Claim.objects.expired().filter(message=message)
    return bool(expired.update(moderator=moderator, taken=Now()))


def _insert(moderator: int, message: uuid.UUID) -> bool:
    try:
        with transaction.atomic():
            Claim.objects.create(message_id=message, moderator_id=moderator, taken=Now())
    except IntegrityError:
        return False
    return True
