"""Who is taken for dead: a process whose counter stands still while this one can see it. And what becomes of own
replies that nobody here generates.
"""

import asyncio
import uuid
from types import SimpleNamespace

import pytest
from django.db import OperationalError

from chat.generation import caretaker, records, writer
from chat.generation.caretaker import Caretaker
from chat.generation.reply import LiveReply
from chat.generation.run import Ending, Run
from chat.generation.writer import Writer
from chat.models import ReplyState

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
    keeper = Caretaker(uuid.uuid4(), database, lambda reply: None, None, lambda reply: False)
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


class Own:
    """The database of a process without others; it is away until it is back."""

    def __init__(self, *replies: uuid.UUID) -> None:
        self.rows = [records.Mine(reply, ReplyState.STREAMING, False, None) for reply in replies]
        self.is_back = False
        self.done: list[tuple[str, set[uuid.UUID]]] = []

    async def run(self, work, owner, *arguments):
        if not self.is_back:
            raise OperationalError("the server closed the connection")
        if work is records.beat:
            return records.Census(self.rows, {})
        [replies] = arguments
        self.done.append((work.__name__, {replies} if isinstance(replies, uuid.UUID) else set(replies)))
        return []


async def test_only_what_never_began_is_asked_again(monkeypatch):
    monkeypatch.setattr(caretaker, "ORPHAN_SECONDS", 0.1)
    monkeypatch.setattr(writer, "WRITE_AGAIN_SECONDS", 0)
    ended, unasked, adopted = uuid.uuid4(), uuid.uuid4(), []
    database = Own(ended, unasked)
    own_writer = Writer(uuid.uuid4(), database)

    async def adopt(replies):
        adopted.extend(replies)

    keeper = Caretaker(uuid.uuid4(), database, lambda reply: None, adopt, own_writer.has_ended)
    # It began and ended while the database was away, and its visitor was told that it failed.
    run = Run(LiveReply(ended), SimpleNamespace(beginning="", model="a model"))
    assert (await own_writer.finish(run, Ending(ReplyState.COMPLETE))).code == "internal_error"
    database.is_back = True
    async with asyncio.timeout(20):
        while len(database.done) < 2:
            await keeper.beat(lambda reply: False, draining=False)
            await asyncio.sleep(0.02)
    assert database.done == [("requeue", {unasked}), ("interrupt", {ended})]
    assert adopted == [unasked]
