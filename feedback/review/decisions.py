"""What a moderator decides about an item, what follows from it, and taking it back."""

import datetime
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import AuditEntry, Image, Message, ModerationEvent, ReviewState, Visitor
from chat.refusals import Refused
from chat.restrictions import Grounds, block_image, block_visitor, hide_reply, lift
from feedback.models import Flag, Review
from feedback.review import claims
from feedback.review.verdicts import judge

STATES = {
    Review.Verdict.UPHELD: ReviewState.UPHELD,
    Review.Verdict.DISMISSED: ReviewState.DISMISSED,
}


@dataclass(frozen=True)
class Measure:
    """Say that something is to be taken away, and until when; without an end it is for good."""

    until: datetime.datetime | None = None


@dataclass(frozen=True)
class Decision:
    """Hold what a moderator decides.

    `flags` and `events` are those that the moderator saw: what came since waits for a look of its own. The
    measures are taken with an upheld item only; their reason is the note, or else what was complained of.
    """

    verdict: Review.Verdict
    flags: Collection[int] = ()
    events: Collection[int] = ()
    note: str = ""
    hide: Measure | None = None
    block_visitor: Measure | None = None
    block_images: Measure | None = None
    images: Collection[int] = ()


@transaction.atomic
def decide(moderator: User, message: uuid.UUID, decision: Decision) -> Review:
    """Decide an item that the moderator has claimed, and let go of it.

    Raises `Refused` for an item that another moderator has or decided meanwhile; then nothing changes.
    """
    # A claim may have ended without anybody taking it over; then it is still this moderator's turn.
    if not claims.release(moderator.pk, [message]) and not claims.claim(moderator.pk, message):
        raise Refused(
            "claim_lost", _("Another moderator has taken or decided this one meanwhile."), "message"
        )
    claims.release(moderator.pk, [message])
    about = Message.objects.select_related("conversation__visitor").get(pk=message)
    review = Review.objects.create(
        message=about, moderator=moderator, verdict=decision.verdict, note=decision.note
    )
    if decision.verdict == Review.Verdict.SKIPPED:
        return review
    flags = list(about.flags.awaiting_review().filter(pk__in=decision.flags))
    events = list(about.moderation_events.awaiting_review().filter(pk__in=decision.events))
    if not flags and not events:
        raise Refused("already_decided", _("There is nothing left to decide here."), "message")
    review.flags.set(flags)
    review.events.set(events)
    _judge(review, STATES[decision.verdict], moderator, decision.note)
    if decision.verdict == Review.Verdict.UPHELD:
        _take_measures(review, about, decision, moderator, _reason(decision.note, flags, events))
    return review


@transaction.atomic
def undo(person: User, review: Review | None = None, page: uuid.UUID | None = None) -> Review:
    """Take back a decision: the person's own latest one, or the one given. What it took away is given back.

    The item is claimed for whoever undoes their own, on `page`. Raises `Refused` when there is nothing to undo.
    """
    own = review is None or review.moderator_id == person.pk
    if review is None:
        review = Review.objects.standing().filter(moderator=person).order_by("-pk").first()
    # The conditional update decides between two who undo at once.
    now = timezone.now()
    if review is None or not Review.objects.standing().filter(pk=review.pk).update(undone=now):
        raise Refused("nothing_to_undo", _("There is nothing to undo."))
    if review.verdict != Review.Verdict.SKIPPED:
        _judge(review, ReviewState.OPEN, person)
        for restriction in (review.hidden_reply, review.blocked_visitor, *review.blocked_images.all()):
            if restriction is not None:
                lift(restriction, person)
        AuditEntry.objects.create(
            actor=person,
            action="review_undone",
            target=f"message {review.message_id}",
            detail={"review": review.pk, "verdict": review.verdict},
        )
    if own:
        claims.claim(person.pk, review.message_id, page)
    return review


def return_skipped(moderator: User) -> int:
    """Put back what a moderator skipped; give how many."""
    return Review.objects.skips_of(moderator.pk).update(undone=timezone.now())


def _judge(review: Review, state: ReviewState, person: User, note: str = "") -> None:
    """Put what a review covers into a state; of what it decided, only what has not been decided anew since."""
    later = Review.objects.standing().filter(pk__gt=review.pk)
    for name, rows in (
        ("flags", Flag.objects.filter(pk__in=review.flags.values("pk"))),
        ("events", ModerationEvent.objects.filter(pk__in=review.events.values("pk"))),
    ):
        if state != ReviewState.OPEN:
            judge(rows.filter(state=ReviewState.OPEN), state, person, note)
            continue
        # Anew may have been to the same end: by somebody else, or by the same person in a later review.
        own = rows.filter(state=review.verdict, reviewer=review.moderator_id)
        own = own.exclude(Exists(later.filter(**{name: OuterRef("pk")})))
        said = rows.filter(pk__in=list(own.values_list("pk", flat=True)))
        judge(said, state, person)
        said.filter(state=state, note=review.note).update(note="")


def _take_measures(review: Review, about: Message, decision: Decision, moderator: User, reason: str) -> None:
    def grounds(measure: Measure) -> Grounds:
        return Grounds(moderator, reason, measure.until)

    if decision.hide and about.is_reply:
        review.hidden_reply = hide_reply(about, grounds(decision.hide))
    if decision.block_visitor:
        visitor: Visitor = about.conversation.visitor
        review.blocked_visitor = block_visitor(visitor, grounds(decision.block_visitor))
    review.save(update_fields=["hidden_reply", "blocked_visitor"])
    if decision.block_images:
        # Only pictures of this conversation, whatever the form says.
        own = Image.objects.filter(
            uploads__uses__message__conversation=about.conversation_id, pk__in=decision.images
        ).distinct()
        review.blocked_images.set([block_image(image, grounds(decision.block_images)) for image in own])


def _reason(note: str, flags: Collection[Flag], events: Collection[ModerationEvent]) -> str:
    said = [flag.get_reason_display() for flag in flags] + [event.get_outcome_display() for event in events]
    return note.strip() or ", ".join(dict.fromkeys(map(str, said)))
