"""Tokens are merged: few frames are parsed, the first and the last always among them."""

import heapq
from types import SimpleNamespace

import pytest

from chat.workers import relay as relay_module
from chat.workers.errors import WorkerBadJson, WorkerEmpty, WorkerSilent, WorkerStalled, WorkerTooLong
from chat.workers.protocols import PROTOCOLS, GenerationRequest
from chat.workers.relay import Relay, Timeouts

from .conftest import frame

LIMITS = Timeouts(first_token=60, silence=30, whole=1800)


class Clock:
    """Stand in for the event loop's clock and timers; time passes only when a test says so."""

    def __init__(self):
        self.now, self.armed, self.count = 1000.0, [], 0

    def time(self):
        return self.now

    def call_at(self, when, callback):
        timer = SimpleNamespace(callback=callback, cancelled=False)
        timer.cancel = lambda: setattr(timer, "cancelled", True)
        self.count += 1
        heapq.heappush(self.armed, (when, self.count, timer))
        return timer

    def pass_time(self, seconds):
        until = self.now + seconds
        while self.armed and self.armed[0][0] <= until:
            self.now, _, timer = heapq.heappop(self.armed)
            if not timer.cancelled:
                timer.callback()
        self.now = until


class Watched:
    """Hold a Relay on such a clock, and count what it parses."""

    def __init__(self, clock):
        self.clock = clock
        self.parsed, self.texts, self.failures = 0, [], []
        reader = PROTOCOLS["internvl2"].reader(GenerationRequest("m", []))
        parse = reader._parse

        def counted(data):
            self.parsed += 1
            return parse(data)

        reader._parse = counted
        self.relay = Relay(
            reader,
            lambda got: self.texts.append(got.text),
            self.failures.append,
            timeouts=LIMITS,
            pace=1 / 16,
        )
        self.feed, self.finish, self.pass_time = self.relay.feed, self.relay.finish, clock.pass_time


@pytest.fixture
def watched(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(relay_module, "asyncio", SimpleNamespace(get_running_loop=lambda: clock))
    monkeypatch.setattr(
        relay_module, "TICK", 1 / 64
    )  # a power of two, as the pace is, so that sums are exact
    return Watched(clock)


def test_a_burst_is_parsed_at_its_first_and_its_last_frame(watched):
    for count in range(1, 1001):
        watched.feed(frame("x" * count))
    watched.finish()

    assert watched.parsed == 2
    assert watched.texts == ["x", "x" * 1000]


def test_frames_in_one_read_are_parsed_once(watched):
    watched.feed(frame("a") + frame("ab") + frame("abc"))
    watched.finish()

    assert (watched.parsed, watched.texts) == (1, ["abc"])


def test_a_stream_of_frames_is_parsed_once_in_a_pause(watched):
    for count in range(1, 101):
        watched.feed(frame("x" * count))
        watched.pass_time(1 / 64)

    assert watched.parsed == 26
    assert watched.texts == ["x" * count for count in (1, *range(4, 101, 4))]


def test_replies_that_began_at_different_moments_are_delivered_at_common_ticks(watched):
    watched.pass_time(1 / 500)
    watched.feed(frame("a"))
    watched.pass_time(1 / 300)
    other = Watched(watched.clock)
    other.feed(frame("b"))
    watched.feed(frame("aa"))
    other.feed(frame("bb"))

    # The pauses end at different moments; both are rounded down to the same tick, 1/16 s after the beginning.
    watched.pass_time(1 / 16 - 1 / 500 - 1 / 300 - 1 / 1000)
    assert (watched.texts, other.texts) == (["a"], ["b"])
    watched.pass_time(1.5 / 1000)
    assert (watched.texts, other.texts) == (["a", "aa"], ["b", "bb"])


def test_a_frame_after_a_long_pause_is_delivered_at_once(watched):
    watched.feed(frame("a"))
    watched.pass_time(5)
    watched.feed(frame("ab"))

    assert watched.texts == ["a", "ab"]


def test_what_comes_last_before_a_pause_is_not_held_back_by_it(watched):
    watched.feed(frame("a"))
    watched.feed(frame("ab"))
    watched.feed(frame("abc"))
    assert watched.texts == ["a"]

    watched.pass_time(1 / 16)

    assert (watched.parsed, watched.texts) == (2, ["a", "abc"])


def test_blank_frames_do_not_use_up_the_first_delivery(watched):
    for text in ("", " ", " \n", " \nHi"):
        watched.feed(frame(text))

    assert watched.texts == [" \nHi"]


def test_the_last_frame_is_judged_even_within_the_pause(watched):
    watched.feed(frame("a"))
    watched.feed(b"{}\0")
    assert watched.parsed == 1

    with pytest.raises(WorkerBadJson):
        watched.finish()


def test_a_bad_frame_that_a_newer_one_replaces_is_not_judged(watched):
    watched.feed(frame("a"))
    watched.feed(b"{}\0" + frame("ab"))
    watched.finish()

    assert watched.texts == ["a", "ab"]


def test_a_bad_frame_found_by_the_timer_is_handed_on(watched):
    watched.feed(frame("a"))
    watched.feed(b"{}\0")
    watched.pass_time(1 / 16)

    assert [type(error) for error in watched.failures] == [WorkerBadJson]


def test_text_that_is_taken_back_altogether_is_delivered_and_then_empty(watched):
    watched.feed(frame("###"))
    watched.feed(frame(""))

    with pytest.raises(WorkerEmpty):
        watched.finish()

    assert watched.texts == ["###", ""]


def test_blank_frames_do_not_put_off_the_limit_of_the_first_token(watched):
    for _ in range(59):
        watched.feed(frame(" "))
        watched.pass_time(1)
    assert watched.failures == []

    watched.pass_time(1)

    assert [type(error) for error in watched.failures] == [WorkerSilent]


def test_silence_is_counted_from_the_newest_frame(watched):
    for count in range(1, 10):
        watched.feed(frame("x" * count))
        watched.pass_time(29)
    assert watched.failures == []

    watched.pass_time(1)

    assert [type(error) for error in watched.failures] == [WorkerStalled]


def test_bytes_that_complete_no_frame_are_silence(watched):
    watched.feed(frame("x"))
    for _ in range(30):
        watched.feed(b"x")
        watched.pass_time(1)

    assert [type(error) for error in watched.failures] == [WorkerStalled]


def test_a_reply_without_end_is_too_long_though_it_never_pauses(watched):
    for count in range(1, 181):
        assert watched.failures == []
        watched.feed(frame("x" * count))
        watched.pass_time(10)

    assert [type(error) for error in watched.failures] == [WorkerTooLong]


def test_nothing_fires_after_the_relay_is_closed(watched):
    watched.feed(frame("a"))
    watched.feed(frame("ab"))
    watched.relay.close()
    watched.pass_time(10_000)

    assert (watched.texts, watched.failures) == (["a"], [])
