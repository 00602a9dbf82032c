"""Whose turn it is: a claim on an item, which one moderator has at a time and loses after ten minutes."""

import uuid
from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from feedback.models import Claim, LeftPage
from feedback.models.review import CLAIM
from feedback.review.queue import Wish, is_waiting, waiting

AHEAD = 20  # candidates that are read at once; others may take some of them meanwhile
ROUNDS = 5


def take(
    moderator: int,
    wish: Wish,
    number: int,
    besides: Collection[uuid.UUID] = (),
    page: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Claim up to `number` items that nobody has, in the order of the wish; `besides` are left alone.

    What this moderator has claimed before and not let go comes again, its time begun anew. `page` shows them.
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
            if claim(moderator, message, page):
                taken.append(message)
        if len(taken) == number or not fresh:
            break
    return taken


def claim(moderator: int, message: uuid.UUID, page: uuid.UUID | None = None) -> bool:
    """Take one item, or tell that somebody else has it, that nothing is left to decide, or that its page was left."""
    if not _claim(moderator, message, page):
        return False
    # Looked at once the claim can be seen: either this finds that the page was left, or `leave` finds the claim.
    if page is None or not LeftPage.objects.filter(pk=page).exists():
        return True
    _let_go(moderator, page)
    return False


def show(moderator: int, messages: Collection[uuid.UUID], page: uuid.UUID) -> None:
    """Let a page that was just loaded have these of the moderator's claims, whichever had them before."""
    Claim.objects.filter(message__in=messages, moderator=moderator).update(page=page)


def leave(moderator: int, page: uuid.UUID) -> None:
    """Let go of what a page had that is left, and of what it takes from now on by requests that are under way."""
    over = timezone.now() - CLAIM
    LeftPage.objects.filter(left__lt=over).delete()
    LeftPage.objects.get_or_create(pk=page)
    _let_go(moderator, page)


def _let_go(moderator: int, page: uuid.UUID) -> None:
    Claim.objects.filter(moderator=moderator, page=page).delete()


@transaction.atomic
def _claim(moderator: int, message: uuid.UUID, page: uuid.UUID | None) -> bool:
    if (
        not hold(moderator, [message])
        and not _take_over(moderator, message, page)
        and not _insert(moderator, message, page)
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


def _take_over(moderator: int, message: uuid.UUID, page: uuid.UUID | None) -> bool:
    # One conditional UPDATE: of two who find a claim expired, the second finds it fresh.
    expired = Claim.objects.expired().filter(message=message)
    return bool(expired.update(moderator=moderator, taken=Now(), page=page))


def _insert(moderator: int, message: uuid.UUID, page: uuid.UUID | None) -> bool:
    try:
        with transaction.atomic():
            Claim.objects.create(message_id=message, moderator_id=moderator, taken=Now(), page=page)
    except IntegrityError:
        return False
    return True
