"""Count what may happen so often in so many seconds: in Redis for all processes, or, without one, in this one.

A window slides: what was counted in the one before still counts by the part of it that lies within the last `seconds`.
Each call to Redis is one script, so processes that count at the same moment never pass the limit together.
"""

import asyncio
import logging
import math
import threading
import time
from functools import cache
from typing import NamedTuple

import redis.asyncio  # noqa: F401 - `limits` loads it late, and trips over another thread that is loading it
from django.conf import settings
from limits.aio.storage import RedisStorage as AsyncRedisStorage
from limits.storage import MemoryStorage, RedisStorage

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.5  # a visitor waits no longer for a count
SWEEP_SECONDS = 10.0  # until this process looks for counts that matter no longer
AGAIN_SECONDS = 1.0  # while Redis is away only one call in this time finds out whether it is back


class Window(NamedTuple):
    """What is counted under `key`: at most `most` in `seconds`."""

    key: str
    most: int
    seconds: int


class Reach:
    """Whether Redis answers, as far as this process knows."""

    def __init__(self) -> None:
        self.failures = 0
        self._away = False
        self._again = 0.0

    def may_ask(self) -> bool:
        """Tell whether to ask at all: who does while it is away waits for nothing."""
        if not self._away:
            return True
        now = time.monotonic()
        if now < self._again:
            return False
        self._again = now + AGAIN_SECONDS
        return True

    def answered(self) -> None:
        if self._away:
            log.info("limits count over all processes again")
        self._away = False

    def failed(self, error: Exception) -> None:
        if not self._away:
            log.warning("limits count per process, for Redis does not answer: %s", error or "too late")
        self._away = True
        self.failures += 1
        self._again = time.monotonic() + AGAIN_SECONDS


reach = Reach()


def hit(window: Window, cost: int = 1) -> int:
    """Count, and give 0; or, for too much, count nothing and give the seconds until the same would be counted."""
    cost = min(cost, window.most)  # one thing that is larger than the limit takes all of it
    if settings.REDIS_URL and reach.may_ask():
        shared = _shared(settings.REDIS_URL)
        try:
            counted = shared.acquire_sliding_window_entry(*window, cost)
            wait = (
                0 if counted else _wait(window, cost, *shared.get_sliding_window(window.key, window.seconds))
            )
            reach.answered()
            return wait
        except Exception as error:  # a visitor is let in rather than kept out
            reach.failed(error)
    return _hit_here(window, cost)


async def hit_from_loop(window: Window, cost: int = 1) -> int:
    """Count as `hit` does, without blocking the event loop."""
    cost = min(cost, window.most)
    if settings.REDIS_URL and reach.may_ask():
        shared = _shared_in(settings.REDIS_URL, asyncio.get_running_loop())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                counted = await shared.acquire_sliding_window_entry(*window, cost)
                found = None if counted else await shared.get_sliding_window(window.key, window.seconds)
            reach.answered()
            return 0 if found is None else _wait(window, cost, *found)
        except Exception as error:
            reach.failed(error)
    return _hit_here(window, cost)


async def close() -> None:
    """End the connections of the event loop."""
    if settings.REDIS_URL:
        shared = _shared_in(settings.REDIS_URL, asyncio.get_running_loop())
        await shared.bridge.get_connection().aclose()  # type: ignore[attr-defined]  # redis-py's bridge has it
        _shared_in.cache_clear()


def forget_all() -> None:
    """Begin anew with what this process counted by itself."""
    _here.reset()


class _Here(MemoryStorage):
    """Look for what is over every few seconds: after each count, as the library does, it takes a third of a core.

    That is with 100,000 keys, which one network's IPv6 addresses can make.
    """

    def _MemoryStorage__schedule_expiry(self) -> None:
        if not self.timer.is_alive():
            self.timer = threading.Timer(SWEEP_SECONDS, self._MemoryStorage__expire_events)  # type: ignore[attr-defined]
            self.timer.daemon = True
            self.timer.start()


_here = _Here()
_one_at_a_time = threading.Lock()  # two that count at once would both be taken back where one has room


def _hit_here(window: Window, cost: int) -> int:
    with _one_at_a_time:
        if _here.acquire_sliding_window_entry(*window, cost):
            return 0
        return _wait(window, cost, *_here.get_sliding_window(window.key, window.seconds))


def _wait(window: Window, cost: int, before: int, before_left: float, now: int, now_left: float) -> int:
    """Give the whole seconds until `cost` has room, from the counts of two windows and how long they still matter."""
    room = window.most - cost + 1  # the weighed count must fall below this
    if now < room:
        seconds = before_left - (room - now) * window.seconds / max(before, 1)
    else:
        # First this window has to end, then enough of it to lie too far back.
        seconds = now_left - room * window.seconds / now
    return max(1, math.floor(seconds) + 1)


@cache
def _shared(url: str) -> RedisStorage:
    return RedisStorage(
        url, key_prefix="mmchat", socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS
    )


@cache
def _shared_in(url: str, loop: asyncio.AbstractEventLoop) -> AsyncRedisStorage:
    return AsyncRedisStorage(
        f"async+{url}", implementation="redispy", key_prefix="mmchat", socket_connect_timeout=ANSWER_SECONDS
    )
