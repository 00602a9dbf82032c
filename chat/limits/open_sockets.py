"""How many sockets a visitor or an address has open, over all processes that share a Redis."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable
from typing import TypeVar

from redis.asyncio import Redis

from chat.limits.windows import ANSWER_SECONDS, Reach

BEAT_SECONDS = 1.0
DEAD_SECONDS = 3  # several beats; the sockets of a killed process count no longer
KEPT_SECONDS = 24 * 60 * 60  # counts after the last change

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


class OpenSockets:
    """Count the sockets of each visitor and address at this process, and at all that share the Redis of `url`."""

    def __init__(self, url: str, reach: Reach) -> None:
        self.here: Counter[str] = Counter()
        self._process = str(uuid.uuid4())
        self._left = False
        self._in_order = asyncio.Lock()  # or one connection's older count may come after another one's newer
        self._shares = bool(url)
        self._reach = reach
        if url:
            self._redis = Redis.from_url(url, socket_connect_timeout=ANSWER_SECONDS)
            self._count = self._redis.register_script(COUNT_SOCKETS)

    async def run(self) -> None:
        """Tell that this process lives, so that its sockets count, until it leaves; finds out when Redis is back."""
        failures = self._reach.failures
        while not self._left:
            if failures != self._reach.failures:
                # What it counted before may be wrong by now, and would keep visitors out as long as it lives.
                self._process, failures = str(uuid.uuid4()), self._reach.failures
            await self._ask(self._redis.set(PROCESS_KEY + self._process, 1, ex=DEAD_SECONDS))
            await asyncio.sleep(BEAT_SECONDS)

    async def leave(self) -> None:
        """Let the sockets of this process count no longer: their pages come back to another one."""
        self._left = True
        if self._shares and self._reach.may_ask():
            await self._ask(self._redis.delete(PROCESS_KEY + self._process))

    async def close(self) -> None:
        """End the connections."""
        if self._shares:
            await self._redis.aclose()

    def opened(self, who: str) -> None:
        self.here[who] += 1

    def closed(self, who: str) -> None:
        self.here[who] -= 1
        if not self.here[who]:
            del self.here[who]

    async def everywhere(self, who: str) -> int:
        """Tell the others how many sockets `who` has here, and give how many that are at all processes."""
        async with self._in_order:
            if not (self._shares and self._reach.may_ask()):
                return self.here[who]
            told: list[str | int] = [self._process, self.here[who], KEPT_SECONDS, PROCESS_KEY]
            return await self._ask(self._count([SOCKETS_KEY + who], told)) or self.here[who]

    async def _ask(self, call: Awaitable[T]) -> T | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await call
        except Exception as error:  # a visitor is let in rather than kept out
            self._reach.failed(error)
            return None
        self._reach.answered()
        return answer
