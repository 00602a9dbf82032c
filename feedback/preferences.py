"""Which of several replies to one question a visitor found better."""

import uuid
from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from typing import Any, Literal, NamedTuple

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import Message
from chat.models.conversations import LIVE_STATES
from chat.refusals import Refused
from feedback.models import Preference, Vote
from feedback.replies import lock_own_reply

PAGE = 2000  # rows read at once


class Pair(NamedTuple):
    """One reply that a visitor found better than another reply to the same question, and since when.

    `source` is `marked` where the visitor said so, `votes` where one was voted up and the other down.
    """

    when: datetime
    chosen: uuid.UUID
    rejected: uuid.UUID
    question: uuid.UUID
    visitor: uuid.UUID
    source: Literal["marked", "votes"]


def set_preference(visitor_key: uuid.UUID, message_id: uuid.UUID, preferred: bool) -> list[Message]:
    """Mark a reply as better than the other variants that have ended, or take that back; give all variants.

    Marking another variant takes the earlier mark back; both stay stored. Raises `Refused` for a reply that is
    not the visitor's own, and where there is nothing to compare.
    """
    with transaction.atomic():
        reply = lock_own_reply(visitor_key, message_id)
        variants = list(Message.objects.filter(parent=reply.parent_id).replies().in_order())
        standing = Preference.objects.standing().filter(visitor=visitor_key, question=reply.parent_id)
        if preferred:
            _mark(reply, variants, standing)
        else:
            standing.filter(chosen=reply).update(withdrawn=timezone.now())
    return variants


def preference_pairs(replies: QuerySet[Message] | None = None) -> Iterator[Pair]:
    """Give all pairs that stand, oldest first, in constant memory; with `replies`, those between two of them.

    Left out: deleted conversations, and replies that still run or have no text. Where a visitor marked one of two
    as the better, votes on them count no more.
    """
    marked = Preference.objects.standing().annotate(when=F("created"))
    voted = (
        Vote.objects.over_variants()
        .annotate(
            chosen_id=F("message_id"),
            question_id=F("message__parent_id"),
            when=Greatest("changed", "message__parent__children__votes__changed"),
        )
        .filter(~Exists(_mark_on(OuterRef("chosen_id"), OuterRef("rejected_id"))))
    )
    usable = replies if replies is not None else Message.objects.all()
    usable = usable.filter(conversation__deleted__isnull=True).exclude(Q(text="") | Q(state__in=LIVE_STATES))
    # Looked up one by one: as lists, all messages of the site would be read for a few pairs.
    both = Q(*(Exists(usable.filter(pk=OuterRef(side)).order_by()) for side in ("chosen_id", "rejected_id")))
    yield from merge(_read(marked.filter(both), "marked"), _read(voted.filter(both), "votes"))


def _mark(reply: Message, variants: list[Message], standing: QuerySet[Preference]) -> None:
    others = {each.pk for each in variants if _has_ended(each) and each.pk != reply.pk}
    question = reply.parent
    if question is None or not others or not _has_ended(reply):
        raise Refused(
            "nothing_to_compare", _("There is no other reply to compare this one with."), "preferred"
        )
    standing.exclude(chosen=reply).update(withdrawn=timezone.now())
    known = set(standing.filter(chosen=reply).values_list("rejected", flat=True))
    visitor = reply.conversation.visitor_id
    Preference.objects.bulk_create(
        Preference(visitor_id=visitor, question=question, chosen=reply, rejected_id=other)
        for other in sorted(others - known)
    )


def _has_ended(reply: Message) -> bool:
    return bool(reply.text) and not reply.is_live


def _mark_on(one: OuterRef, other: OuterRef) -> QuerySet[Preference]:
    return Preference.objects.standing().filter(
        Q(chosen=one, rejected=other) | Q(chosen=other, rejected=one), visitor=OuterRef("visitor")
    )


def _read(rows: QuerySet[Any], source: Literal["marked", "votes"]) -> Iterator[Pair]:
    fields = ("when", "chosen_id", "rejected_id", "question_id", "visitor_id")
    ordered = rows.order_by("when", "chosen_id", "rejected_id")
    for when, chosen, rejected, question, visitor in ordered.values_list(*fields).iterator(PAGE):
        yield Pair(when, chosen, rejected, question, visitor, source)
