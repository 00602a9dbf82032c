"""What the dashboard counts, to the last reply: from stored hours, from open ones, and at the borders of both."""

import datetime
import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Message
from feedback.dashboard.hours import close_hours
from feedback.dashboard.numbers import Votes, names_of_models, numbers_of
from feedback.dashboard.periods import PERIODS, period_named
from feedback.flags import flag
from feedback.models import Flag, Hour, Vote
from feedback.votes import set_vote
from tests.feedback.dashboard.conftest import NOW, at, replied
from tests.feedback.stories import make_model, make_visitor

pytestmark = pytest.mark.django_db
MOMENT = datetime.timedelta(microseconds=1)


@pytest.fixture(params=["all hours open", "hours closed", "hours closed long ago"])
def counted(request, clock):
    """Give the numbers of a period, where hours have been closed or not."""

    def counted(period="24h"):
        if request.param == "hours closed":
            close_hours()
        elif request.param == "hours closed long ago":
            clock[0] = NOW - datetime.timedelta(hours=2)
            close_hours()
            clock[0] = NOW
        assert Hour.objects.exists() == (request.param != "all hours open")
        return numbers_of(period_named(period).until(NOW))

    return counted


def by_model(found):
    names = names_of_models()
    return {names[model]: value for model, value in found.items()}


def test_conversations_are_counted_in_the_hour_in_which_they_began(counted):
    replied(at(7, 10))
    for moment in (at(3), at(4) - MOMENT, at(4), at(12, 29), at(13, days_ago=1), at(13, days_ago=1) - MOMENT):
        replied(at(12, 20), began=moment)
    hours = counted().conversations()
    assert len(hours) == 24
    assert {place: number for place, number in enumerate(hours) if number} == {
        0: 1,
        14: 2,
        15: 1,
        18: 1,
        23: 1,
    }


def test_days_begin_at_midnight_and_today_is_one_of_them(counted):
    for moment in (at(0), at(0) - MOMENT, at(0, days_ago=6), at(0, days_ago=6) - MOMENT, at(5, days_ago=3)):
        replied(moment, began=moment)
    week = counted("7d")
    assert week.conversations() == [1, 0, 0, 1, 0, 1, 1]
    assert week.replies()["complete"] == [1, 0, 0, 1, 0, 1, 1]
    month = counted("30d").conversations()
    assert (len(month), sum(month), month[-8:]) == (30, 5, [1, 1, 0, 0, 1, 0, 1, 1])
    quarter = counted("90d").conversations()
    assert (len(quarter), sum(quarter)) == (90, 5)


def test_days_are_those_of_the_current_time_zone(counted):
    replied(at(22, 59, days_ago=1), began=at(22, 59, days_ago=1))
    replied(at(23, days_ago=1), began=at(23, days_ago=1))
    with timezone.override("Europe/Berlin"):
        assert counted("7d").conversations()[-2:] == [1, 1]


def test_an_hour_that_the_clocks_tell_twice_is_two(clock):
    with timezone.override("Europe/Berlin"):
        span = period_named("24h").until(datetime.datetime(2026, 10, 25, 12, 30, tzinfo=datetime.UTC))
        assert [span.label(place) for place in range(24)][10:14] == ["01:00", "02:00", "02:00", "03:00"]
        assert {
            later.astimezone(datetime.UTC) - one.astimezone(datetime.UTC)
            for one, later in itertools.pairwise(span.starts)
        } == {datetime.timedelta(hours=1)}
        assert [span.place(start.astimezone(datetime.UTC)) for start in span.starts] == list(range(24))


def test_replies_are_counted_by_how_they_ended_in_the_hour_of_their_end(counted):
    replied(at(9), state="stopped", took=7200)
    replied(at(9) - MOMENT, state="failed", error_code="worker_silent")
    replied(at(9, 59, second=59), state="interrupted", error_code="interrupted")
    replied(at(12, 25))
    replied(at(8, 30, days_ago=1))  # before the 24 hours
    replied(at(12, 29), state="streaming").__class__.objects.filter(state="streaming").update(finished=None)
    found = counted().replies()
    told = {
        end: {place: number for place, number in enumerate(numbers) if number}
        for end, numbers in found.items()
    }
    assert told == {"complete": {23: 1}, "stopped": {20: 1}, "failed": {19: 1}, "interrupted": {20: 1}}


def test_errors_are_counted_by_cause(counted):
    for hour, code in ((8, "worker_silent"), (8, "no_worker"), (9, "worker_silent"), (12, "worker_silent")):
        replied(at(hour, 5), state="failed", error_code=code)
    replied(at(8, 5, days_ago=3), state="failed", error_code="worker_silent")
    replied(at(8, 5))
    assert counted().errors() == {"worker_silent": 3, "no_worker": 1}
    assert counted("7d").errors() == {"worker_silent": 4, "no_worker": 1}


def test_the_time_to_the_first_token_is_told_by_model_within_5_percent(counted):
    for number in range(1, 101):
        replied(at(6 + number % 7, 1), first=number / 10, took=20)
    replied(at(11, 1), model="two", first=0.25)
    replied(at(11, 1), model="three", first=None, state="failed", error_code="worker_silent")
    found = by_model(counted().first_tokens())
    assert set(found) == {"one", "two"}
    assert found["one"].replies == 100
    assert found["one"].median == pytest.approx(5.0, rel=0.05)
    assert found["one"].most == pytest.approx(9.5, rel=0.05)
    assert found["two"].median == found["two"].most == pytest.approx(0.25, rel=0.05)


def test_speed_is_tokens_where_a_worker_counts_them_and_characters_elsewhere(counted):
    replied(at(8, 1), output_tokens=60, first=1, took=4)  # 3 s
    replied(at(11, 1), output_tokens=20, first=1, took=2)  # 1 s
    replied(at(12, 1), text="A" * 90, first=0.5, took=3.5)  # 3 s, nobody counted
    replied(at(12, 2), model="two", text="B" * 70, first=1, took=3)
    replied(at(12, 3), model="two", text="all at once", first=1, took=1.09)
    replied(at(12, 4), model="three", text="", first=None, state="failed", error_code="no_worker")
    found = by_model(counted().speeds())
    assert set(found) == {"one", "two"}
    assert found["one"] == (20.0, 30.0)
    assert found["two"] == (None, 35.0)


def test_a_reply_that_goes_on_is_as_fast_as_what_it_added(counted):
    broken = replied(at(8, 1), text="A" * 100, state="interrupted", error_code="interrupted", model="other")
    replied(at(12, 2), text="A" * 100 + "B" * 40, first=1, took=3, continues=broken)
    assert by_model(counted().speeds())["one"].characters == 20.0


def test_votes_stand_as_they_are_now_and_belong_to_when_they_were_first_given(counted):
    replies = [replied(at(8, 1)) for _ in range(6)] + [replied(at(8, 1), model="two")]
    times = [at(9), at(13, days_ago=1), at(13, days_ago=1) - MOMENT, at(9), at(9), at(9), at(12, 29)]
    for reply, moment, value in zip(
        replies, times, ["up", "up", "up", "up", "down", "up", "down"], strict=True
    ):
        set_vote(reply.conversation.visitor_id, reply.pk, value)
        Vote.objects.filter(message=reply).update(created=moment)
    counted()
    set_vote(replies[3].conversation.visitor_id, replies[3].pk, "down")
    set_vote(replies[5].conversation.visitor_id, replies[5].pk, None)
    found = by_model(numbers_of(period_named("24h").until(NOW)).votes())
    assert {name: each[:2] for name, each in found.items()} == {"one": (2, 2), "two": (0, 1)}
    assert found["one"] == Votes(2, 2, found["one"].share)
    assert found["one"].share == pytest.approx((0.1500, 0.5, 0.8500), abs=5e-5)
    assert found["two"].share == pytest.approx((0.0, 0.0, 0.7935), abs=5e-5)


def test_open_flags_are_counted_by_age(counted):
    age = datetime.timedelta
    ages = [
        age(0),
        age(hours=1) - MOMENT,
        age(hours=1),
        age(days=1),
        age(days=7),
        age(days=30) - MOMENT,
        age(days=40),
    ]
    reply = replied(at(8, 1))
    for each in [*ages, age(days=80)]:
        visitor = make_visitor()
        Flag.objects.create(visitor=visitor, message=reply, reason="other", created=NOW - each)
    Flag.objects.filter(created=NOW - age(days=80)).update(state="dismissed")
    gone = replied(at(8, 1))
    flag(gone.conversation.visitor_id, gone.pk, "other")
    gone.conversation.deleted = NOW
    gone.conversation.save()
    found = counted().flags()
    assert found.by_age == [2, 1, 1, 2, 1]
    assert found.oldest == NOW - age(days=40)


def test_what_was_imported_is_no_work_of_this_site(counted):
    replied(at(8, 1))
    replied(at(8, 1), source="llava", state="failed", error_code="worker_silent")
    found = counted()
    assert sum(found.conversations()) == 1
    assert sum(map(sum, found.replies().values())) == 1
    assert not found.errors()


def test_what_was_removed_later_still_counts_in_hours_that_were_closed(clock):
    replied(at(8, 1)).conversation.delete()
    replied(at(8, 1))
    close_hours()
    Message.objects.all().delete()
    assert sum(numbers_of(period_named("24h").until(NOW)).replies()["complete"]) == 1


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.name)
def test_each_plot_asks_the_database_once_however_much_there_is(clock, period):
    names = ("conversations", "replies", "errors", "first_tokens", "speeds", "votes", "flags")

    def queries():
        numbers = numbers_of(period.until(NOW))
        counts = []
        for name in names:
            with CaptureQueriesContext(connection) as captured:
                getattr(numbers, name)()
            counts.append(len(captured))
        return counts

    assert queries() == [1] * len(names)
    for hour, model in itertools.product(range(12), ("one", "two", "three")):
        reply = replied(at(hour, 5), model=model)
        set_vote(reply.conversation.visitor_id, reply.pk, "up")
        flag(reply.conversation.visitor_id, reply.pk, "other")
    close_hours()
    assert queries() == [1] * len(names)


def test_a_vote_names_the_model_of_its_reply(clock):
    reply = replied(at(8, 1), model="two")
    set_vote(reply.conversation.visitor_id, reply.pk, "up")
    assert Vote.objects.get().model == make_model("two")
