"""What waits for moderators, in which order, and what filters leave."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback.models import Flag
from feedback.review.queue import Wish, is_waiting, waiting
from tests.feedback.review.conftest import flagged, held
from tests.feedback.stories import make_model

pytestmark = pytest.mark.django_db


def ids(**wish):
    return [row["message_id"] for row in waiting(Wish(**wish))]


def test_flags_and_held_messages_wait_together_the_oldest_first():
    new, old, middle = flagged(age=1), flagged(age=9), held(age=5)
    assert ids() == [old.pk, middle.pk, new.pk]


def test_all_flags_of_a_reply_are_one_item_and_the_most_flagged_can_come_first():
    old, often = flagged(age=9), flagged(age=1)
    flagged(age=2, reply=often)
    assert ids() == [old.pk, often.pk]
    assert ids(order="most") == [often.pk, old.pk]
    assert [row["number"] for row in waiting(Wish(order="most"))] == [2, 1]


def test_what_was_decided_or_passed_or_deleted_does_not_wait():
    decided, deleted = flagged(), flagged(deleted=timezone.now())
    Flag.objects.filter(message=decided).update(state="dismissed")
    passed = held("unavailable_allowed")
    assert ids() == []
    assert [is_waiting(item.pk) for item in (decided, passed)] == [False, False]
    assert is_waiting(deleted.pk)  # somebody may have it open; deciding it does no harm


def test_filters_of_model_reason_language_and_dates():
    a, b = make_model("a"), make_model("b")
    first = flagged("false", age=3, model=a, language="de")
    second = flagged("other", age=1, model=b, language="")
    third = held(age=2, model=b, language="de")
    assert ids(model=a.pk) == [first.pk]
    assert ids(model=b.pk) == [third.pk, second.pk]
    assert ids(reason="false") == [first.pk]
    assert ids(reason="refused") == [third.pk]
    assert ids(language="de") == [first.pk, third.pk]
    assert ids(language="none") == [second.pk]
    today = timezone.now().date()
    assert ids(first=today - datetime.timedelta(days=2)) == [third.pk, second.pk]
    assert ids(last=today - datetime.timedelta(days=2)) == [first.pk, third.pk]
    assert ids(model=b.pk, language="de", reason="other") == []


def test_finding_what_waits_is_one_query():
    for _ in range(5):
        flagged()
    with CaptureQueriesContext(connection) as captured:
        assert len(list(waiting(Wish(), moderator=1)[:3])) == 3
    assert len(captured) == 1
