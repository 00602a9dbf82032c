"""Counts of a visitor over processes err on the visitor's side, whatever became of Redis and of the processes."""

import asyncio
import contextlib
import uuid

import pytest

from chat import limits
from chat.limits import SharedLimits
from tests import parts


@pytest.fixture(scope="module")
def redis():
    with parts.redis() as url:
        yield url


@pytest.fixture
async def two(redis, monkeypatch):
    """The counts of two processes."""
    monkeypatch.setattr(limits, "DEAD_SECONDS", 1)
    monkeypatch.setattr(limits, "BEAT_SECONDS", 0.2)
    both = SharedLimits(redis), SharedLimits(redis)
    beats = [asyncio.create_task(each.run()) for each in both]
    yield both
    for each, beat in zip(both, beats, strict=True):
        await each.leave()
        beat.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beat
        await each.close()


async def until_others_count(process: SharedLimits, visitor: uuid.UUID, count: int) -> None:
    async with asyncio.timeout(10):
        while await process.open_sockets(visitor, 0) != count:
            await asyncio.sleep(0.05)


async def test_of_counts_told_at_once_the_newest_stays(two):
    here, there = two
    count, delays, visitor = here._count, iter((0.1, 0)), uuid.uuid4()

    async def slower_for_the_first(*told):
        await asyncio.sleep(next(delays))
        return await count(*told)

    here._count = slower_for_the_first
    await asyncio.gather(here.open_sockets(visitor, 1), here.open_sockets(visitor, 0))
    assert await there.open_sockets(visitor, 0) == 0


async def test_what_closed_while_redis_was_away_keeps_nobody_out(two):
    here, there = two
    visitor = uuid.uuid4()
    await here.open_sockets(visitor, 4)
    await until_others_count(there, visitor, 4)
    here._away = True  # as after a call that Redis did not answer
    await here.open_sockets(visitor, 0)
    await until_others_count(there, visitor, 0)


async def test_a_process_that_ends_counts_no_longer(two):
    here, there = two
    visitor = uuid.uuid4()
    await here.open_sockets(visitor, 4)
    await until_others_count(there, visitor, 4)
    await here.leave()
    await until_others_count(there, visitor, 0)
