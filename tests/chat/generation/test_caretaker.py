"""Who is taken for dead: a process whose counter stands still while this one can see it."""

import asyncio
import uuid

import pytest

from chat.generation import caretaker, records
from chat.generation.caretaker import Caretaker

OTHER = uuid.uuid4()


class Database:
    """One other process, whose counter stands still."""

    def __init__(self) -> None:
        self.taken_over: list[uuid.UUID] = []

    async def run(self, work, *arguments, **named):
        if work is records.beat:
            return records.Census([], {OTHER: 5})
        self.taken_over.append(arguments[1])
        return records.Estate([], [])


@pytest.fixture
def database(monkeypatch):
    monkeypatch.setattr(caretaker, "STOOD_STILL_SECONDS", 0.6)
    monkeypatch.setattr(caretaker, "LONGEST_LOOK_SECONDS", 0.2)
    return Database()


@pytest.fixture
def beat(database):
    keeper = Caretaker(uuid.uuid4(), database, lambda reply: None, None)
    return lambda: keeper.beat(lambda reply: False, draining=False)


async def test_one_that_stands_still_is_taken_over(beat, database):
    async with asyncio.timeout(20):
        while not database.taken_over:
            await beat()
            await asyncio.sleep(0.02)


async def test_none_is_taken_for_dead_because_nobody_could_beat_for_a_while(beat, database):
    await beat()
    await asyncio.sleep(0.8)  # this process was suspended, or the database was away from all
    await beat()
    assert database.taken_over == []
