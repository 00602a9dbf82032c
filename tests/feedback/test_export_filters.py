"""What the filters of an export take and leave out."""

import datetime

import pytest
from django.utils import timezone

from chat.models import Conversation, HiddenReply, ReplyState, SiteText
from chat.refusals import Refused
from feedback.exchange import training
from feedback.exchange.choice import MODERATION, Choice, read
from feedback.exchange.reading import records
from feedback.exchange.records import KINDS, LOGGED
from feedback.flags import flag
from feedback.models import Flag
from feedback.votes import set_vote
from tests.feedback.stories import START, answer, exchange, make_conversation, make_model, make_visitor

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def found(**asked):
    return [record.message_id for record in records(read({"types": "chat", **asked}, KINDS))]


@pytest.fixture
def visitor(db):
    return make_visitor()


@pytest.fixture
def three(visitor):
    """Three replies in conversations of their own, begun a day apart."""
    replies = [exchange(make_conversation(visitor)) for _ in range(3)]
    for number, reply in enumerate(replies):
        type(reply).objects.filter(pk=reply.pk).update(created=START + number * DAY)
    return [reply.pk for reply in replies]


def test_times_take_the_beginning_in_and_leave_the_end_out(three):
    assert found(since="2026-11-23T10:00:00Z") == three[1:]
    assert found(until="2026-11-23T10:00:00Z") == three[:1]
    assert found(since="2026-11-23", until="2026-11-24") == three[1:2]
    assert found(since="2026-11-23T12:00:00+02:00") == three[1:]


def test_models_are_those_that_replied(three, visitor):
    other = exchange(make_conversation(visitor, make_model("other")))
    set_vote(visitor.key, other.pk, "up")
    assert found(models="other") == [other.pk]
    assert found(models=["other", "llava-v1.5-7b"]) == [*three, other.pk]
    assert found(models="unknown") == []
    assert found(models="llava-v1.5-7b", types="upvote") == []


def test_votes_are_those_on_the_reply(three, visitor):
    set_vote(visitor.key, three[0], "up")
    set_vote(visitor.key, three[1], "down")
    assert found(votes="up") == three[:1]
    assert found(votes="down,none") == three[1:]
    assert found(votes="up", types="chat,upvote,downvote") == [three[0], three[0]]


def test_moderation_is_the_worst_that_was_decided(three, visitor):
    flag(visitor.key, three[0], "other")
    flag(visitor.key, three[1], "other")
    Flag.objects.filter(message=three[1]).update(state=Flag.State.UPHELD)
    Flag.objects.create(
        visitor=make_visitor(), message_id=three[1], reason="other", state=Flag.State.DISMISSED
    )
    assert found(moderation="open") == three[:1]
    assert found(moderation="upheld") == three[1:2]
    assert found(moderation="unflagged,open") == [three[0], three[2]]
    assert found() == three


def test_consent_is_what_the_visitor_allows_and_usual_where_the_site_asks(three):
    first = Conversation.objects.get(messages=three[0])
    first.research = True
    first.save()
    assert found() == three
    assert found(consent="research") == three[:1]
    SiteText.objects.update_or_create(defaults={"offers_research": True})
    assert found() == three[:1]
    assert found(consent="any") == three


def test_a_no_to_research_outlives_the_question(three):
    for reply, research in zip(three, (True, False, None), strict=True):
        other = make_visitor()
        type(other).objects.filter(pk=other.pk).update(research=research)
        Conversation.objects.filter(messages=reply).update(visitor=other, research=bool(research))
    site_text, _ = SiteText.objects.update_or_create(defaults={"offers_research": True})
    assert found() == found(consent="research") == three[:1]
    site_text.offers_research = False
    site_text.save()
    assert found() == found(consent="unrefused") == [three[0], three[2]]
    assert found(consent="any") == three


def test_a_hidden_reply_is_nowhere_unless_asked_for(visitor):
    conversation = make_conversation(visitor)
    first = exchange(conversation, "One?", "1")
    hidden = exchange(conversation, "Two?", "Secret.", parent=first)
    exchange(conversation, "Three?", "3", parent=hidden)
    other = answer(hidden.parent, "2", variant=1)
    set_vote(visitor.key, hidden.pk, "down")
    set_vote(visitor.key, other.pk, "up")
    everything = {"types": "chat,downvote,preference"}
    assert len(found(**everything)) == 6
    hiding = HiddenReply.objects.create(message=hidden, reason="Private")
    assert found(**everything) == [first.pk, other.pk]
    assert len(found(moderation=",".join(MODERATION), **everything)) == 6
    hiding.until = timezone.now() - DAY
    hiding.save()
    assert len(found(**everything)) == 6


def test_what_goes_on_from_a_hidden_reply_has_its_text_and_is_hidden_too(visitor):
    first = exchange(make_conversation(visitor), reply="Secret", state=ReplyState.STOPPED)
    second = answer(first.parent, "Secret, more", ReplyState.STOPPED, variant=1, continues=first)
    answer(first.parent, "Secret, more, end", variant=2, continues=second)
    other = answer(first.parent, "Nothing of it", variant=3)
    hiding = HiddenReply.objects.create(message=first, reason="Private")
    assert found() == [other.pk]
    hiding.delete()
    assert len(found()) == 4


def test_languages_are_those_of_the_conversations(three):
    Conversation.objects.filter(messages=three[0]).update(language="de")
    assert found(languages="de") == three[:1]
    assert found(languages="und") == three[1:]
    assert found(languages="und,de") == three


def test_a_choice_comes_back_from_what_is_stored_of_it():
    choice = read(
        {"since": "2026-11-22", "models": "b,a", "votes": ["up"], "images": True, "licence": "MIT"}, LOGGED
    )
    assert choice == Choice(
        since=datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC),
        models=("a", "b"),
        votes=("up",),
        images=True,
        licence="MIT",
    )
    assert read(choice.described(), LOGGED) == choice


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"since": 5}, "since"),
        ({"since": "2026-13-01"}, "since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "since"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "until"),
        ({"models": 5}, "models"),
        ({"models": [5]}, "models"),
        ({"models": ["m"] * 101}, "models"),
        ({"images": "yes"}, "images"),
        ({"licence": "x" * 101}, "licence"),
        ({"types": "preference"}, "types"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_filter_is_refused_by_its_name(asked, field):
    with pytest.raises(Refused) as refused:
        read(asked, LOGGED)
    assert refused.value.field == field


def test_a_data_set_has_of_a_conversation_what_lies_inside_the_filters(visitor):
    other = make_model("other")
    replies = []
    for day, (text, more) in enumerate(
        (("1.", {}), ("2.", {"model": other}), ("3.", {}), ("4.", {"model": other}), ("5.", {"model": other}))
    ):
        place = replies[-1].conversation if replies else make_conversation(visitor)
        reply = exchange(place, f"{day}?", text, parent=replies[-1] if replies else None, **more)
        type(reply).objects.filter(pk=reply.pk).update(created=START + day * DAY)
        replies.append(reply)
    ids = [reply.pk for reply in replies]

    def entries(**asked):
        choice = read({"types": "chat", **asked}, KINDS)
        return [record.message_id for record in records(choice) if training.finetuning(record)]

    assert entries() == ids[-1:]
    assert entries(until=(START + 2 * DAY).isoformat()) == ids[1:2]
    assert entries(since=(START + DAY).isoformat(), until=(START + 3 * DAY).isoformat()) == ids[2:3]
    assert entries(models="llava-v1.5-7b") == ids[2:3]
    assert entries(models="other") == ids[4:]
    assert entries(models="other", until=(START + 4 * DAY).isoformat()) == ids[3:4]
    flag(visitor.key, ids[4], "other")
    assert entries(moderation="unflagged") == ids[3:4]
    [record] = [
        each
        for each in records(read({"types": "chat", "models": "llava-v1.5-7b"}, KINDS))
        if training.finetuning(each)
    ]
    assert [turn.reply for turn in record.turns] == ["1.", "2.", "3."]


@pytest.mark.parametrize("state", [ReplyState.STOPPED, ReplyState.FAILED, ReplyState.INTERRUPTED])
def test_a_data_set_has_of_a_conversation_what_lies_before_the_first_reply_that_broke_off(visitor, state):
    first = exchange(make_conversation(visitor), "One?", "1.")
    second = exchange(first.conversation, "Two?", "2.", parent=first)
    broken = exchange(first.conversation, "Three?", "3", parent=second, state=state)
    fourth = exchange(first.conversation, "Four?", "4.", parent=broken)
    exchange(first.conversation, "Five?", "5.", parent=fourth)
    [record] = [each for each in records(read({"types": "chat"}, KINDS)) if training.finetuning(each)]
    assert record.message_id == second.pk
    assert [turn.reply for turn in record.turns] == ["1.", "2."]


def test_a_reply_without_a_word_ends_no_entry_of_a_data_set(visitor):
    first = exchange(make_conversation(visitor), "One?", "1.")
    failed = exchange(first.conversation, "Two?", "", parent=first, state=ReplyState.FAILED)
    exchange(first.conversation, "Three?", "3.", parent=failed)
    [record] = [each for each in records(read({"types": "chat"}, KINDS)) if training.finetuning(each)]
    assert [turn.reply for turn in record.turns] == ["1.", "3."]


def test_a_conversation_whose_last_reply_is_hidden_comes_with_the_one_before_in_a_data_set(visitor):
    first = exchange(make_conversation(visitor), "One?", "1.")
    second = exchange(first.conversation, "Two?", "2.", parent=first)
    third = exchange(first.conversation, "Three?", "3.", parent=second)
    HiddenReply.objects.create(message=second, reason="Rude")

    def entries(**asked):
        choice = read({"types": "chat", **asked}, KINDS)
        return [record.message_id for record in records(choice) if training.finetuning(record)]

    assert entries() == [first.pk]
    assert entries(moderation=MODERATION) == [third.pk]
