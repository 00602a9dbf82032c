"""Two moderators never have the same item."""

import datetime
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from feedback.models import Claim, Flag
from feedback.review import claims
from feedback.review.queue import Wish
from tests.feedback.review.conftest import flagged

WISH = Wish()


def let_time_pass(**time):
    Claim.objects.update(taken=timezone.now() - datetime.timedelta(**time))


def test_each_moderator_gets_items_of_their_own(moderator, colleague):
    items = [flagged(age=9 - number).pk for number in range(4)]
    assert claims.take(moderator.pk, WISH, 2) == items[:2]
    assert claims.take(colleague.pk, WISH, 2) == items[2:]
    assert claims.take(moderator.pk, WISH, 2) == items[:2]  # the page was loaded again
    assert claims.take(moderator.pk, WISH, 2, besides=items[:2]) == []


def test_a_claim_ends_after_ten_minutes_and_not_before(moderator, colleague):
    item = flagged().pk
    assert claims.take(moderator.pk, WISH, 1) == [item]
    let_time_pass(minutes=9.5)
    assert claims.take(colleague.pk, WISH, 1) == []
    let_time_pass(minutes=10.5)
    assert claims.take(colleague.pk, WISH, 1) == [item]
    assert claims.held(moderator.pk, [item]) == []
    assert claims.hold(moderator.pk, [item]) == 0


def test_holding_begins_the_time_anew(moderator, colleague):
    item = flagged().pk
    claims.take(moderator.pk, WISH, 1)
    let_time_pass(minutes=9)
    assert claims.hold(moderator.pk, [item]) == 1
    assert Claim.objects.get().taken > timezone.now() - datetime.timedelta(minutes=1)
    assert not claims.claim(colleague.pk, item)


def test_what_is_let_go_is_free_and_only_by_its_moderator(moderator, colleague):
    item = flagged().pk
    claims.take(moderator.pk, WISH, 1)
    assert claims.release(colleague.pk, [item]) == 0
    assert claims.release(moderator.pk, [item]) == 1
    assert claims.take(colleague.pk, WISH, 1) == [item]


def test_what_was_decided_in_between_is_not_claimed(moderator):
    item = flagged().pk
    Flag.objects.update(state="upheld")
    assert not claims.claim(moderator.pk, item)
    assert not Claim.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_moderators_who_take_at_the_same_moment_get_different_items():
    people = [User.objects.create_user(f"moderator{number}").pk for number in range(4)]
    items = {flagged(age=number).pk for number in range(8)}
    first = Barrier(len(people))

    def take(person):
        first.wait(10)
        try:
            return claims.take(person, WISH, 2)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as pool:
        taken = [item for share in pool.map(take, people) for item in share]
    assert len(taken) == len(set(taken)) == 8
    assert set(taken) == items


@pytest.mark.django_db(transaction=True)
def test_an_expired_claim_goes_to_one_of_those_who_want_it():
    people = [User.objects.create_user(f"moderator{number}").pk for number in range(5)]
    item = flagged().pk
    claims.claim(people[0], item)
    let_time_pass(minutes=11)
    barrier = Barrier(4)

    def take(person):
        barrier.wait(10)
        try:
            return claims.claim(person, item)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, people[1:])) == 1
