"""Limits of one visitor over all processes of the site, counted in Redis.

Each process holds its own limits as well, in memory. They are all there is without Redis, and while it is away.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable
from typing import TypeVar

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import Redis

log = logging.getLogger(__name__)

ANSWER_SECONDS = (
    0.5  # a visitor waits no longer for a count; the next ones do not ask at all until it answers again
)
BEAT_SECONDS = 1.0
DEAD_SECONDS = 3  # several beats; the sockets of a killed process count no longer
KEPT_SECONDS = 24 * 60 * 60  # a visitor's counts after the last change

# Processes tell their own counts instead of adding to a sum: a lost call or a killed process leaves no error behind.
COUNT_SOCKETS = """
if ARGV[2] == '0' then
    redis.call('HDEL', KEYS[1], ARGV[1])  -- with the last one goes the key: nothing is left of who has gone
else
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
local sum = 0
local counts = redis.call('HGETALL', KEYS[1])
for place = 1, #counts, 2 do
    if counts[place] == ARGV[1] or redis.call('EXISTS', ARGV[4] .. counts[place]) == 1 then
        sum = sum + counts[place + 1]
    end
end
return sum
"""
PROCESS_KEY = "mmchat:process:"
SOCKETS_KEY = "mmchat:sockets:"

T = TypeVar("T")


class SharedLimits:
    """Count what each visitor does at any process that shares the Redis of `url`; without one, count nothing."""

    def __init__(self, url: str) -> None:
        self._process = str(uuid.uuid4())
        self._away = not url
        self._left = False
        self._in_order = asyncio.Lock()  # or one connection's older count may come after another one's newer
        self._shares = bool(url)
        if url:
            self._redis = Redis.from_url(url, socket_connect_timeout=ANSWER_SECONDS)
            self._count = self._redis.register_script(COUNT_SOCKETS)
            storage = RedisStorage(
                f"async+{url}",
                implementation="redispy",
                key_prefix="mmchat",
                socket_connect_timeout=ANSWER_SECONDS,
            )
            self._windows = SlidingWindowCounterRateLimiter(storage)

    async def run(self) -> None:
        """Tell that this process lives, so that its sockets count, until it leaves; finds out when Redis is back."""
        while not self._left:
            if self._away:
                # What it counted before may be wrong by now, and would keep visitors out as long as it lives.
                self._process = str(uuid.uuid4())
            await self._ask(self._redis.set(PROCESS_KEY + self._process, 1, ex=DEAD_SECONDS))
            await asyncio.sleep(BEAT_SECONDS)

    async def leave(self) -> None:
        """Let the sockets of this process count no longer: their pages come back to another one."""
        self._left = True
        if not self._away:
            await self._ask(self._redis.delete(PROCESS_KEY + self._process))

    async def close(self) -> None:
        """End the connections."""
        if self._shares:
            await self._redis.aclose()

    async def open_sockets(self, visitor: uuid.UUID, here: int) -> int:
        """Give how many sockets a visitor has open on the site, of which `here` are at this process."""
        async with self._in_order:
            if self._away:
                return here
            told: list[str | int] = [self._process, here, KEPT_SECONDS, PROCESS_KEY]
            return await self._ask(self._count([f"{SOCKETS_KEY}{visitor}"], told)) or here

    async def may_send(self, visitor: uuid.UUID, frames: int, seconds: int) -> bool:
        """Count a frame of a visitor; False when it is more than `frames` in `seconds`."""
        if self._away:
            return True
        window = RateLimitItemPerSecond(frames, seconds, namespace="frames")
        return await self._ask(self._windows.hit(window, str(visitor))) is not False

    async def _ask(self, call: Awaitable[T]) -> T | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await call
        except Exception as error:  # a visitor is let in rather than kept out
            if not self._away:
                log.warning("limits count per process, for Redis does not answer: %s", error or "too late")
            self._away = True
            return None
        if self._away:
            log.info("limits count over all processes again")
        self._away = False
        return answer
