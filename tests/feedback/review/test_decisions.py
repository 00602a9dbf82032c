"""What a decision does, and taking it back."""

import datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from chat.images.blocks import is_blocked
from chat.models import AuditEntry, BlockedImage, Image, Message, ModerationEvent, Visitor
from chat.refusals import Refused
from chat.restrictions import Grounds, block_visitor
from feedback.models import Claim, Flag, Review
from feedback.review import claims
from feedback.review.decisions import Decision, Measure, decide, return_skipped, undo
from feedback.review.queue import Wish
from feedback.review.verdicts import judge
from tests.feedback.review.conftest import flagged, held
from tests.feedback.stories import exchange, make_conversation, make_upload, make_visitor

pytestmark = pytest.mark.django_db
UPHELD, DISMISSED, SKIPPED = Review.Verdict.UPHELD, Review.Verdict.DISMISSED, Review.Verdict.SKIPPED


def seen(item):
    return {
        "flags": list(item.flags.values_list("pk", flat=True)),
        "events": list(item.moderation_events.values_list("pk", flat=True)),
    }


def decided(person, item, verdict=UPHELD, **more):
    claims.claim(person.pk, item.pk)
    return decide(person, item.pk, Decision(verdict, **{**seen(item), **more}))


def refusal(work, *arguments):
    with pytest.raises(Refused) as refused:
        work(*arguments)
    return refused.value.code


@pytest.mark.parametrize("verdict", [UPHELD, DISMISSED])
def test_a_decision_is_on_every_flag_and_in_the_audit_log(moderator, verdict):
    item = flagged()
    flagged("other", reply=item)
    decided(moderator, item, verdict, note="Seen")
    assert set(Flag.objects.values_list("state", "reviewer", "note")) == {(verdict, moderator.pk, "Seen")}
    assert list(AuditEntry.objects.values_list("actor", "action")) == [(moderator.pk, f"flag_{verdict}")] * 2
    assert not Claim.objects.exists()
    assert claims.take(moderator.pk, Wish(), 1) == []


def test_a_held_message_is_decided_too(moderator):
    item = held()
    decided(moderator, item, DISMISSED, note="Harmless")
    event = ModerationEvent.objects.get()
    assert (event.state, event.reviewer, event.note) == ("dismissed", moderator, "Harmless")
    assert AuditEntry.objects.get().action == "moderationevent_dismissed"


def test_a_flag_that_came_after_the_moderator_looked_waits_for_a_look_of_its_own(moderator):
    item = flagged()
    before = seen(item)
    flagged("privacy", reply=item)
    decided(moderator, item, DISMISSED, **before)
    assert sorted(Flag.objects.values_list("reason", "state")) == [
        ("harmful", "dismissed"),
        ("privacy", "open"),
    ]
    assert claims.take(moderator.pk, Wish(), 1) == [item.pk]


def test_what_another_moderator_has_cannot_be_decided(moderator, colleague):
    item = flagged()
    claims.claim(colleague.pk, item.pk)
    assert refusal(decide, moderator, item.pk, Decision(UPHELD, **seen(item))) == "claim_lost"
    assert Flag.objects.get().state == "open"
    assert not Review.objects.exists()
    decided(colleague, item)
    assert refusal(decide, moderator, item.pk, Decision(DISMISSED, **seen(item))) == "claim_lost"
    assert Flag.objects.get().reviewer == colleague


def test_a_claim_that_ended_and_that_nobody_took_is_still_the_moderators(moderator):
    item = flagged()
    claims.claim(moderator.pk, item.pk)
    Claim.objects.update(taken=timezone.now() - datetime.timedelta(hours=1))
    decide(moderator, item.pk, Decision(UPHELD, **seen(item)))
    assert Flag.objects.get().state == "upheld"


def test_upholding_can_hide_and_block_with_a_reason_and_an_end(moderator):
    visitor = make_visitor()
    upload = make_upload(visitor)
    item = flagged(reply=exchange(make_conversation(visitor), uploads=[upload]))
    end = timezone.now() + datetime.timedelta(days=7)
    decided(
        moderator, item, hide=Measure(), block_visitor=Measure(end), block_images=Measure(),
        images=[upload.image_id], note="Gore",
    )  # fmt: skip
    assert item.pk not in Message.objects.not_hidden().values_list("pk", flat=True)
    assert list(Visitor.objects.blocked()) == [visitor]
    assert is_blocked(Image.objects.get())
    for row in (item.hidden.get(), visitor.blocks.get(), BlockedImage.objects.get()):
        assert (row.reason, row.creator) == ("Gore", moderator)
    assert visitor.blocks.get().until == end
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {
        "flag_upheld", "hide_reply", "block_visitor", "block_image",
    }  # fmt: skip


def test_without_a_note_the_reason_is_what_was_complained_of(moderator):
    item = flagged("privacy")
    decided(moderator, item, hide=Measure())
    assert item.hidden.get().reason == "Shows private data"


def test_dismissing_takes_nothing_away_and_pictures_of_others_stay(moderator):
    stranger = make_upload(make_visitor()).image
    item = flagged()
    decided(moderator, item, DISMISSED, hide=Measure(), block_visitor=Measure())
    assert not item.hidden.exists()
    other = flagged()
    decided(moderator, other, block_images=Measure(), images=[stranger.pk])
    assert not BlockedImage.objects.exists()


def test_undo_opens_the_item_gives_back_what_was_taken_and_claims_it(moderator):
    item = flagged()
    visitor = item.conversation.visitor
    decided(moderator, item, hide=Measure(), block_visitor=Measure())
    assert undo(moderator).message_id == item.pk
    flag = Flag.objects.get()
    assert (flag.state, flag.reviewer, flag.reviewed) == ("open", None, None)
    assert item.pk in Message.objects.not_hidden().values_list("pk", flat=True)
    assert not Visitor.objects.blocked().exists()
    assert item.hidden.get().lifter == moderator
    assert claims.held(moderator.pk, [item.pk]) == [item.pk]
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions[3:] == ["flag_open", "lift_hiddenreply", "lift_blockedvisitor", "review_undone"]
    assert visitor.blocks.count() == 1  # lifted, not deleted
    assert refusal(undo, moderator) == "nothing_to_undo"


def test_undo_leaves_what_others_had_decided(moderator, colleague):
    item = flagged()
    end = timezone.now() + datetime.timedelta(days=1)
    block_visitor(item.conversation.visitor, Grounds(colleague, "Spam", end))
    decided(moderator, item, block_visitor=Measure())
    undo(moderator)
    assert item.conversation.visitor.blocks.in_force().get().until == end


def test_undo_goes_back_one_by_one_and_only_through_ones_own(moderator, colleague):
    first, second, theirs = flagged(age=3), flagged(age=2), flagged(age=1)
    decided(moderator, first)
    decided(moderator, second, DISMISSED)
    decided(colleague, theirs)
    assert [undo(moderator).message_id, undo(moderator).message_id] == [second.pk, first.pk]
    assert refusal(undo, moderator) == "nothing_to_undo"
    assert sorted(Flag.objects.values_list("state", flat=True)) == ["open", "open", "upheld"]


def test_undoing_a_flag_that_was_decided_anew_meanwhile_leaves_it(moderator, colleague):
    item = flagged()
    decided(moderator, item, UPHELD)
    Flag.objects.update(state="dismissed", reviewer=colleague)
    undo(moderator)
    assert Flag.objects.get().state == "dismissed"


def test_undoing_a_flag_that_somebody_decided_anew_to_the_same_end_leaves_it(moderator, colleague):
    item = flagged()
    first = decided(moderator, item, UPHELD)
    judge(Flag.objects.all(), Flag.State.OPEN, colleague)
    second = decided(moderator, item, UPHELD)
    undo(moderator, first)
    assert Flag.objects.get().state == "upheld"
    undo(moderator, second)
    assert Flag.objects.get().state == "open"
    third = decided(moderator, item, UPHELD)
    judge(Flag.objects.all(), Flag.State.OPEN, colleague)
    judge(Flag.objects.all(), Flag.State.UPHELD, colleague)
    undo(moderator, third)
    assert (Flag.objects.get().state, Flag.objects.get().reviewer) == ("upheld", colleague)


def test_undo_takes_the_note_back_too_and_leaves_one_that_staff_wrote_since(moderator):
    item, other = flagged(), flagged()
    decided(moderator, item, note="Gore")
    undo(moderator)
    assert item.flags.get().note == ""
    decided(moderator, other, note="Gore")
    Flag.objects.update(note="A drawing")
    undo(moderator)
    assert other.flags.get().note == "A drawing"


def test_a_skipped_item_goes_to_others_and_comes_back_when_asked_for(moderator, colleague):
    item = flagged()
    decided(moderator, item, SKIPPED)
    assert claims.take(moderator.pk, Wish(), 1) == []
    assert claims.take(colleague.pk, Wish(), 1) == [item.pk]
    claims.release(colleague.pk, [item.pk])
    assert return_skipped(moderator) == 1
    assert claims.take(moderator.pk, Wish(), 1) == [item.pk]
    assert not AuditEntry.objects.exists()


def test_a_skip_can_be_undone_too(moderator):
    item = flagged()
    decided(moderator, item, SKIPPED)
    assert undo(moderator).verdict == SKIPPED
    assert claims.held(moderator.pk, [item.pk]) == [item.pk]


def test_a_block_in_the_past_or_without_a_reason_is_refused(visitor):
    assert refusal(block_visitor, visitor, Grounds(AnonymousUser(), " ")) == "reason_missing"
    past = timezone.now() - datetime.timedelta(minutes=1)
    assert refusal(block_visitor, visitor, Grounds(AnonymousUser(), "x", past)) == "until_past"
