"""A client that reads nothing is given up after a while; a slow one is not, and long texts come in pieces."""

import asyncio
import json
import uuid
from types import SimpleNamespace

import pytest

from chat import events, outbox
from chat.generation.reply import LiveReply
from chat.models import ReplyState
from chat.outbox import BLOCKED_SECONDS, Outbox
from mmchat_site.websockets import SiteWebSocket


class Slow:
    """A client that takes what it takes when the test says so."""

    def __init__(self):
        self.now = 0.0
        self.bytes = 0
        self.sent = []
        self.room = asyncio.Event()

    async def send(self, text):
        await self.room.wait()
        self.sent.append(json.loads(text))


@pytest.fixture
async def slow():
    return Slow()


@pytest.fixture
async def box(slow):
    engine = SimpleNamespace(unfollow=lambda reply, follower: None)
    box = Outbox(engine, "en", slow.send, lambda: slow.bytes)
    box._clock = lambda: slow.now
    yield box
    await box.close()


async def blocked(box):
    box.put(events.Hello(version="1"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_a_client_that_reads_nothing_is_stuck_after_a_while(box, slow):
    await blocked(box)
    assert not box.is_stuck()
    slow.now = BLOCKED_SECONDS + 1
    assert box.is_stuck()


async def test_a_client_that_reads_slowly_is_stuck_only_once_it_reads_no_more(box, slow):
    await blocked(box)
    for _ in range(10):
        slow.now += BLOCKED_SECONDS - 1
        slow.bytes += 1
        assert not box.is_stuck()
    slow.now += BLOCKED_SECONDS + 1
    assert box.is_stuck()


async def test_a_client_that_has_read_all_is_never_stuck(box, slow):
    slow.room.set()
    await blocked(box)
    slow.now = 10 * BLOCKED_SECONDS
    assert not box.is_stuck()


@pytest.mark.parametrize("epoch", [0, 1])
async def test_a_long_text_goes_out_in_pieces_and_the_end_after_the_last(box, slow, monkeypatch, epoch):
    monkeypatch.setattr(outbox, "MOST_CHARACTERS", 4)
    reply = LiveReply(uuid.uuid4(), ReplyState.COMPLETE, "one two three", epoch)
    held = SimpleNamespace(id=reply.id, state=ReplyState.STREAMING, epoch=0, offset=3, text="")

    async def follow(*_):
        return reply

    box._engine.follow = follow
    slow.room.set()
    await box.follow(held)
    async with asyncio.timeout(5):
        while not (slow.sent and isinstance(slow.sent[-1], dict) and slow.sent[-1]["type"] == "state"):
            await asyncio.sleep(0)
    pieces = [each[1] if isinstance(each, list) else each.get("text", "") for each in slow.sent]
    assert "".join(pieces) == ("one two three" if epoch else " two three")
    assert max(map(len, pieces)) == 4
    assert slow.sent[-1]["length"] == len("one two three")


class Timer:
    def __init__(self, loop, seconds, call):
        self.cancelled, self.seconds, self.call = False, seconds, call
        loop.timers.append(self)

    def cancel(self):
        self.cancelled = True


class Pinging(SiteWebSocket):
    """One whose ping has been sent, on a clock of its own."""

    def __init__(self):
        self.loop = SimpleNamespace(timers=[])
        self.loop.call_later = lambda seconds, call: Timer(self.loop, seconds, call)
        self.ping_timeout = 20.0
        self.bytes = 0
        self.given_up = False

    def taken(self):
        return self.bytes


def test_a_ping_waits_for_its_answer_while_the_client_takes_what_stands_before_it(monkeypatch):
    monkeypatch.setattr(
        SiteWebSocket.__bases__[0], "keepalive_timeout", lambda self: setattr(self, "given_up", True)
    )
    connection = Pinging()
    for _ in range(5):
        connection.bytes += 1000
        connection.keepalive_timeout()
        assert not connection.given_up
    assert len(connection.loop.timers) == 5
    connection.keepalive_timeout()
    assert connection.given_up
