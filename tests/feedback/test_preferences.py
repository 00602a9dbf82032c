"""POST /feedback/<reply>/preference/, and the pairs of better and worse replies that come of it and of votes."""

import datetime
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from chat.models import Message, ReplyState
from feedback.models import Preference, Vote
from feedback.preferences import preference_pairs, set_preference
from feedback.votes import set_vote
from tests.feedback.conftest import tab_of
from tests.feedback.stories import answer, exchange, make_conversation, make_visitor


@pytest.fixture
def variants(reply):
    """Three replies to one question."""
    return [reply, *(answer(reply.parent, f"Variant {place}.", variant=place) for place in (1, 2))]


def prefer(client, reply, preferred=True):
    return client.post(
        reverse("feedback:preference", args=[reply.pk]),
        {"preferred": preferred},
        content_type="application/json",
    )


def pairs(replies=None):
    return {(pair.chosen, pair.rejected, pair.source) for pair in preference_pairs(replies)}


def test_a_marked_variant_makes_a_pair_with_each_other_one(tab, variants, visitor):
    first, second, third = variants
    response = prefer(tab, second)
    assert (response.status_code, response.json()["preferred"]) == (200, True)
    assert pairs() == {(second.pk, first.pk, "marked"), (second.pk, third.pk, "marked")}
    pair = next(preference_pairs())
    assert (pair.question, pair.visitor) == (first.parent_id, visitor.key)


def test_marking_another_variant_takes_the_first_mark_back_and_keeps_it(tab, variants):
    first, second, third = variants
    prefer(tab, first)
    prefer(tab, third)
    assert pairs() == {(third.pk, first.pk, "marked"), (third.pk, second.pk, "marked")}
    assert Preference.objects.filter(chosen=first, withdrawn__isnull=False).count() == 2


def test_marking_again_adds_only_what_came_since(tab, variants):
    first, second, third = variants
    prefer(tab, first)
    newer = answer(first.parent, "Newer.", variant=3)
    prefer(tab, first)
    prefer(tab, first)
    assert {rejected for _, rejected, _ in pairs()} == {second.pk, third.pk, newer.pk}
    assert Preference.objects.count() == 3


def test_a_mark_can_be_taken_back(tab, variants):
    prefer(tab, variants[0])
    assert prefer(tab, variants[0], False).json()["preferred"] is False
    assert pairs() == set()
    assert Preference.objects.count() == 2


def test_up_on_one_variant_and_down_on_another_is_a_pair(visitor, variants):
    first, second, third = variants
    set_vote(visitor.key, first.pk, "up")
    assert pairs() == set()
    set_vote(visitor.key, second.pk, "down")
    set_vote(visitor.key, third.pk, "down")
    assert pairs() == {(first.pk, second.pk, "votes"), (first.pk, third.pk, "votes")}
    pair = next(preference_pairs())
    assert pair.when == Vote.objects.get(message=second).changed
    set_vote(visitor.key, first.pk, None)
    assert pairs() == set()


def test_votes_on_replies_to_different_questions_are_no_pair(visitor):
    conversation = make_conversation(visitor)
    first = exchange(conversation)
    second = exchange(conversation, parent=first)
    set_vote(visitor.key, first.pk, "up")
    set_vote(visitor.key, second.pk, "down")
    assert pairs() == set()


def test_a_mark_counts_more_than_votes_on_the_same_two(visitor, variants):
    first, second, third = variants
    set_vote(visitor.key, first.pk, "up")
    set_vote(visitor.key, second.pk, "down")
    set_vote(visitor.key, third.pk, "down")
    set_preference(visitor.key, second.pk, True)
    # Of the first and third nothing was marked, so their votes stand.
    assert pairs() == {
        (second.pk, first.pk, "marked"),
        (second.pk, third.pk, "marked"),
        (first.pk, third.pk, "votes"),
    }


def test_pairs_come_oldest_first_whatever_their_source(visitor):
    replies = [exchange(make_conversation(visitor)) for _ in range(4)]
    for place, one in enumerate(replies):
        other = answer(one.parent, "Other.", variant=1)
        moment = timezone.now() - datetime.timedelta(days=place)
        if place % 2:
            set_preference(visitor.key, one.pk, True)
            Preference.objects.filter(chosen=one).update(created=moment)
        else:
            set_vote(visitor.key, one.pk, "up")
            set_vote(visitor.key, other.pk, "down")
            Vote.objects.filter(message__in=[one, other]).update(changed=moment)
    assert [pair.chosen for pair in preference_pairs()] == [one.pk for one in replies[::-1]]


def test_deleted_conversations_and_replies_left_out_make_no_pair(visitor, variants):
    first, second, _ = variants
    set_preference(visitor.key, first.pk, True)
    assert pairs(Message.objects.filter(pk__in=[first.pk, second.pk])) == {(first.pk, second.pk, "marked")}
    Message.objects.filter(pk=second.pk).update(text="")
    assert (first.pk, second.pk, "marked") not in pairs()
    conversation = first.conversation
    conversation.deleted = timezone.now()
    conversation.save()
    assert pairs() == set()


def test_there_must_be_an_ended_reply_with_text_to_compare_with(tab, reply):
    refused = prefer(tab, reply)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "nothing_to_compare")
    running = answer(reply.parent, "Running", variant=1, state=ReplyState.STREAMING)
    failed = answer(reply.parent, "", variant=2, state=ReplyState.FAILED)
    for each in (reply, running, failed):
        assert prefer(tab, each).status_code == 400
    assert not Preference.objects.exists()


def test_somebody_elses_reply_is_the_same_404_as_an_unknown_one(variants):
    stranger = tab_of(make_visitor().key)
    foreign = prefer(stranger, variants[0])
    unknown = stranger.post(
        reverse("feedback:preference", args=[uuid.uuid4()]),
        {"preferred": True},
        content_type="application/json",
    )
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
