"""What one process announces reaches the others, and what was lost on the way is noticed."""

import asyncio
import random
import uuid

import pytest
from channels.layers import InMemoryChannelLayer

from chat import announcements
from chat.announcements import GROUP, Announcements
from chat.followers import Followers
from chat.generation.tasks import Tasks


class Layer(InMemoryChannelLayer):
    """A layer that fails or loses messages when told to; `flush` would empty it for all processes of a test."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.loses = lambda: False

    async def group_send(self, group, message):
        if self.fails:
            raise ConnectionError("gone")
        if not self.loses():
            await super().group_send(group, message)

    async def flush(self):
        if self.fails:
            raise ConnectionError("gone")


class Process:
    def __init__(self) -> None:
        self.heard: list[int] = []
        self.missed = 0
        self.announcements = Announcements(lambda event: self.heard.append(event["what"]), self.miss)
        self.tasks = [
            asyncio.create_task(self.announcements.send()),
            asyncio.create_task(self.announcements.listen()),
        ]

    def miss(self) -> None:
        self.missed += 1

    def announce(self, what: int) -> None:
        self.announcements.announce({"type": "messages", "what": what})


@pytest.fixture
async def layer(monkeypatch):
    layer = Layer()
    monkeypatch.setattr(announcements, "get_channel_layer", lambda: layer)
    for name, seconds in (("QUIET", 0.05), ("SILENCE", 0.3), ("RETRY", 0.01)):
        monkeypatch.setattr(announcements, f"{name}_SECONDS", seconds)
    return layer


@pytest.fixture
async def two(layer):
    one, two = processes = Process(), Process()
    one.announce(-1)
    await until(lambda: two.missed or two.heard)
    two.heard.clear()
    two.missed = 0
    yield one, two
    for task in (task for process in processes for task in process.tasks):
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_the_others_hear_in_order_and_the_sender_does_not_hear_itself(two):
    one, other = two
    for what in range(50):
        one.announce(what)
    await until(lambda: len(other.heard) == 50)
    assert other.heard == list(range(50))
    assert (one.heard, one.missed, other.missed) == ([], 0, 0)


@pytest.mark.parametrize("lost", ["in the middle", "at the end"])
async def test_a_lost_announcement_is_noticed(two, layer, lost):
    one, other = two
    layer.loses = lambda: True
    one.announce(1)
    await until(lambda: one.announcements._waiting.empty())
    await asyncio.sleep(0)
    layer.loses = lambda: False
    if lost == "in the middle":
        one.announce(2)
    await until(lambda: other.missed == 1)
    await asyncio.sleep(0.2)
    assert other.missed == 1, "once is enough"


async def test_announcements_while_the_layer_is_away_are_missed_and_it_is_told_once(two, layer, caplog):
    one, other = two
    layer.fails = True
    for what in range(3):
        one.announce(what)
    await until(lambda: one.announcements._waiting.empty())
    await asyncio.sleep(0.2)
    layer.fails = False
    await until(lambda: other.missed == 1)
    one.announce(7)
    await until(lambda: other.heard == [7])
    told = [record.message for record in caplog.records if record.name == "chat.announcements"]
    assert sum("does not answer" in line for line in told) == 2, "by each process"


async def test_a_subscription_that_ended_silently_is_made_anew(two, layer):
    one, other = two
    layer.groups.clear()
    await until(lambda: layer.groups)
    one.announce(3)
    await until(lambda: other.missed or other.heard == [3])


async def test_more_than_the_queue_holds_is_missed_and_not_kept(two, layer, monkeypatch):
    one, other = two
    one.announcements._waiting = asyncio.Queue(2)
    for what in range(100):
        one.announce(what)
    await until(lambda: other.missed)
    assert len(other.heard) <= 3


async def test_whatever_is_lost_somebody_who_heard_no_all_is_told(two, layer):
    one, other = two
    chance = random.Random(5)
    layer.loses = lambda: chance.random() < 0.3
    rounds = 40
    for what in range(rounds):
        heard, missed = len(other.heard), other.missed
        one.announce(what)
        await until(lambda h=heard, m=missed: other.heard[h:] or other.missed > m)
    assert other.missed
    assert other.heard


async def test_what_nobody_understands_ends_no_listening(layer, monkeypatch):
    monkeypatch.setattr("chat.followers.RETRY_SECONDS", 0.01)
    tasks, conversation, told = Tasks(), uuid.uuid4(), asyncio.Event()

    class Socket:
        async def announced(self, event):
            told.set()

    followers = Followers(tasks)
    followers.start()
    followers.join(conversation, Socket())
    await until(lambda: layer.groups.get(GROUP))
    layer.groups[GROUP].clear()  # so that only its next subscription is waited for
    for channel in list(layer.channels):
        await layer.send(channel, {"type": "of another version"})
    await until(lambda: layer.groups.get(GROUP))
    news = {"type": "feedback", "conversation": str(conversation), "process": "other", "number": 1}
    await layer.group_send(GROUP, news)
    await until(told.is_set)
    await tasks.close()
