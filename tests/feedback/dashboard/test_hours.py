"""Hours are closed once, in order, when they are settled, by one process."""

import datetime

import pytest
from django.db import connection

from chat import chores
from feedback.dashboard import hours
from feedback.dashboard.hours import CLOSING, close_hours, counted_until
from feedback.models import Hour, HourOfReplies
from tests.feedback.dashboard.conftest import NOW, at, replied
from tests.feedback.test_races import at_once

pytestmark = pytest.mark.django_db


def test_hours_are_closed_from_the_first_conversation_on_without_a_gap(clock):
    replied(at(7, 10), began=at(6, 59))
    replied(at(10, 10))
    assert close_hours() == {"hours": 6}
    assert list(Hour.objects.order_by("start").values_list("start", "conversations")) == [
        (at(6), 1), (at(7), 0), (at(8), 0), (at(9), 0), (at(10), 1), (at(11), 0),
    ]  # fmt: skip
    assert counted_until() == at(12)
    assert close_hours() == {"hours": 0}


def test_an_hour_stays_open_for_ten_minutes_after_its_end(clock):
    replied(at(11, 10))
    clock[0] = at(12, 9, second=59)
    assert close_hours() == {"hours": 0}
    clock[0] = at(12, 10)
    assert close_hours() == {"hours": 1}


def test_a_site_that_is_older_than_the_longest_period_begins_with_that(clock):
    replied(at(9, days_ago=400))
    replied(at(9))
    assert close_hours() == {"hours": 90 * 24}
    assert Hour.objects.order_by("start").first().start == at(12, days_ago=90)


def test_nothing_is_closed_where_nothing_happened(clock):
    replied(at(9), source="llava")
    assert close_hours() == {"hours": 0}


def test_replies_are_stored_by_model_and_by_how_they_ended(clock):
    for fields in ({}, {}, {"model": "two"}, {"state": "failed", "error_code": "no_worker", "first": None}):
        replied(at(9, 5), **fields)
    close_hours()
    rows = HourOfReplies.objects.order_by("model__name", "state")
    assert list(rows.values_list("model__name", "state", "error_code", "replies")) == [
        ("one", "complete", "", 2),
        ("one", "failed", "no_worker", 1),
        ("two", "complete", "", 1),
    ]
    assert [sum(row.first_tokens.values()) for row in rows] == [2, 0, 1]


def test_a_model_that_is_removed_leaves_its_numbers(clock):
    reply = replied(at(9, 5))
    close_hours()
    reply.conversation.delete()
    reply.model.delete()
    assert HourOfReplies.objects.get().model is None


def test_the_chores_of_a_running_site_close_hours(clock, monkeypatch):
    monkeypatch.setattr(chores, "CHORES", {"hours": CLOSING})
    replied(at(9, 5))
    chores.do_chores()
    assert counted_until() == at(12)
    clock[0] = NOW + datetime.timedelta(minutes=14)
    replied(at(12, 5))
    chores.do_chores()
    clock[0] = NOW + datetime.timedelta(hours=1)
    assert counted_until() == at(12)
    chores.do_chores()
    assert counted_until() == at(13)


@pytest.mark.django_db(transaction=True)
def test_an_hour_is_counted_once_when_processes_close_it_at_the_same_moment(clock, transactional_db):
    for hour in range(3, 12):
        replied(at(hour, 5))
    closed = at_once(lambda _: close_hours()["hours"], range(3))
    close_hours()
    assert sum(closed) <= 9
    assert Hour.objects.count() == 9
    assert list(HourOfReplies.objects.values_list("replies", flat=True)) == [1] * 9


def test_counting_goes_by_indexes(clock):
    replied(at(9, 5))
    plans = []

    def explained(execute, sql, parameters, many, context):
        if sql.startswith("SELECT") and ("chat_message" in sql or "chat_conversation" in sql):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
                plans.append(str(cursor.fetchall()))
        return execute(sql, parameters, many, context)

    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads a small table as a whole, whatever its indexes")
    with connection.execute_wrapper(explained):
        hours.count(at(9), at(10))
    assert len(plans) == 2
    assert "message_finished" in plans[1]
    assert not any("SCAN" in plan for plan in plans)
