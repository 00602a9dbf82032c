"""A worker that fails again and again is left alone for a while, then tried with one reply."""

import pytest

from chat.generation.breakers import MOST_OPEN_SECONDS, OPEN_SECONDS, Breakers, BreakerState
from chat.workers.errors import WorkerBrokeOff, WorkerBusy, WorkerHttpError, WorkerRefused, WorkerUnauthorised

ONE, TWO = "http://one", "http://two"


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def steps():
    return []


@pytest.fixture
def breakers(clock, steps):
    return Breakers(lambda breaker: steps.append((breaker.state, breaker.failures)), clock)


def fail(breakers, times, error=WorkerHttpError, address=ONE):
    for _ in range(times):
        breakers.asked(address)
        breakers.failed(address, error())


def test_three_failures_in_a_row_open_it(breakers, steps):
    fail(breakers, 2)
    assert breakers.usable([ONE, TWO]) == {ONE, TWO}
    fail(breakers, 1)
    assert breakers.usable([ONE, TWO]) == {TWO}
    assert steps == [("closed", 1), ("closed", 2), ("open", 3)]


def test_one_failure_opens_it_when_nothing_could_be_asked(breakers):
    fail(breakers, 1, WorkerRefused)
    assert breakers.usable([ONE, TWO]) == {TWO}


def test_a_completed_reply_makes_up_for_failures(breakers, steps):
    fail(breakers, 2)
    breakers.completed(ONE)
    fail(breakers, 2)
    assert breakers.usable([ONE, TWO]) == {ONE, TWO}
    assert ("closed", 0) in steps


def test_the_last_worker_is_asked_all_the_same(breakers):
    fail(breakers, 5)
    assert breakers.usable([ONE]) == {ONE}
    fail(breakers, 5, address=TWO)
    assert breakers.usable([ONE, TWO]) == {ONE, TWO}


def test_after_the_pause_one_reply_is_the_trial(breakers, clock):
    fail(breakers, 3)
    clock.now += OPEN_SECONDS
    assert breakers.usable([ONE, TWO]) == {ONE, TWO}
    breakers.asked(ONE)
    assert breakers.usable([ONE, TWO]) == {TWO}
    breakers.answered(ONE)
    assert breakers.usable([ONE, TWO]) == {ONE, TWO}


def test_a_failed_trial_doubles_the_pause_up_to_a_limit(breakers, clock):
    fail(breakers, 3)
    pause = OPEN_SECONDS
    for _ in range(10):
        clock.now += pause
        assert ONE in breakers.usable([ONE, TWO])
        fail(breakers, 1)
        pause = min(pause * 2, MOST_OPEN_SECONDS)
        clock.now += pause - 0.1
        assert breakers.usable([ONE, TWO]) == {TWO}
        clock.now += 0.1 - pause


def test_a_worker_that_begins_and_breaks_off_opens_it_again_at_once(breakers, clock):
    fail(breakers, 3)
    clock.now += OPEN_SECONDS
    breakers.asked(ONE)
    breakers.answered(ONE)
    breakers.failed(ONE, WorkerBrokeOff())
    assert breakers.usable([ONE, TWO]) == {TWO}


def test_a_trial_that_its_visitor_stopped_is_left_to_the_next_reply(breakers, clock, steps):
    fail(breakers, 3)
    clock.now += OPEN_SECONDS
    breakers.asked(ONE)
    breakers.left(ONE)
    assert steps[-1] == (BreakerState.OPEN, 3)
    assert breakers.usable([ONE, TWO]) == {ONE, TWO}


def test_a_worker_without_failures_is_told_of_to_nobody(breakers, steps):
    breakers.asked(ONE)
    breakers.answered(ONE)
    breakers.completed(ONE)
    breakers.left(ONE)
    assert steps == []


def test_a_server_that_says_when_to_come_back_is_left_alone_so_long(breakers, clock):
    breakers.failed(ONE, WorkerBusy("", retry_after=42))
    clock.now += 41.9
    assert breakers.usable([ONE, TWO]) == {TWO}
    clock.now += 0.2
    assert breakers.usable([ONE, TWO]) == {ONE, TWO}


def test_a_server_cannot_put_itself_away_for_ever(breakers, clock):
    breakers.failed(ONE, WorkerBusy("", retry_after=999_999))
    clock.now += MOST_OPEN_SECONDS
    assert breakers.usable([ONE, TWO]) == {ONE, TWO}


def test_one_that_is_merely_busy_opens_at_the_third_failure(breakers):
    fail(breakers, 2, WorkerBusy)
    assert breakers.usable([ONE, TWO]) == {ONE, TWO}
    fail(breakers, 1, WorkerBusy)
    assert breakers.usable([ONE, TWO]) == {TWO}


def test_one_that_lets_nobody_in_opens_at_once(breakers):
    fail(breakers, 1, WorkerUnauthorised)
    assert breakers.usable([ONE, TWO]) == {TWO}
