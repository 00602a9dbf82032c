"""Counts of open sockets over processes err on the visitor's side, whatever became of Redis and of the processes."""

import asyncio
import contextlib
import uuid

import pytest

from chat.limits import open_sockets
from chat.limits.open_sockets import OpenSockets
from chat.limits.windows import Reach
from tests import parts


@pytest.fixture(scope="module")
def redis():
    with parts.redis() as url:
        yield url


@pytest.fixture
async def two(redis, monkeypatch):
    """The counts of two processes."""
    monkeypatch.setattr(open_sockets, "DEAD_SECONDS", 1)
    monkeypatch.setattr(open_sockets, "BEAT_SECONDS", 0.2)
    both = OpenSockets(redis, Reach()), OpenSockets(redis, Reach())
    beats = [asyncio.create_task(each.run()) for each in both]
    yield both
    for each, beat in zip(both, beats, strict=True):
        await each.leave()
        beat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beat
        await each.close()


@pytest.fixture
def who():
    return uuid.uuid4().hex


async def tell(process: OpenSockets, who: str, number: int) -> int:
    process.here[who] = number
    return await process.everywhere(who)


async def until_others_count(process: OpenSockets, who: str, count: int) -> None:
    async with asyncio.timeout(30):
        while await process.everywhere(who) != count:
            await asyncio.sleep(0.05)


async def test_of_counts_told_at_once_the_newest_stays(two, who):
    here, there = two
    count, delays = here._count, iter((0.1, 0))

    async def slower_for_the_first(*told):
        await asyncio.sleep(next(delays))
        return await count(*told)

    here._count = slower_for_the_first
    await asyncio.gather(tell(here, who, 1), tell(here, who, 0))
    assert await there.everywhere(who) == 0


async def test_what_closed_while_redis_was_away_keeps_nobody_out(two, who):
    here, there = two
    await tell(here, who, 4)
    await until_others_count(there, who, 4)
    here._reach.failed(TimeoutError())
    await tell(here, who, 0)
    await until_others_count(there, who, 0)


async def test_a_process_that_ends_counts_no_longer(two, who):
    here, there = two
    await tell(here, who, 4)
    await until_others_count(there, who, 4)
    await here.leave()
    await until_others_count(there, who, 0)


async def test_nothing_is_left_in_memory_of_who_has_gone(two, who):
    here, _ = two
    here.opened(who)
    here.opened(who)
    here.closed(who)
    here.closed(who)
    assert not here.here
