"""How many sockets a visitor has open is counted rightly whatever becomes of handshakes and of other processes."""

import asyncio
import json
import uuid
from collections import Counter
from types import SimpleNamespace

import pytest
from django.db import OperationalError

from chat import consumers
from chat.consumers import ChatConsumer
from chat.limits import of_socket
from chat.limits.rules import rules
from chat.models import LimitRule

VISITOR = uuid.UUID(int=2)


class OpenSockets:
    """The counts of the site: `elsewhere` gives how many sockets count at other processes, one call after the other."""

    def __init__(self, *elsewhere: int) -> None:
        self.here = Counter()
        self.elsewhere = list(elsewhere)

    def opened(self, who):
        self.here[who] += 1

    def closed(self, who):
        self.here[who] -= 1

    async def everywhere(self, who):
        return self.here[who] + (self.elsewhere.pop(0) if self.elsewhere else 0)


class Visitors:
    fails = False

    async def run(self, work, *arguments):
        await asyncio.sleep(0)
        if work is rules:
            return {"sockets": [LimitRule(counted="sockets", by="visitor", amount=4)]}
        if self.fails:
            raise OperationalError("the server closed the connection")
        return set()


@pytest.fixture
def engine(monkeypatch):
    engine = SimpleNamespace(
        draining=False,
        sockets=set(),
        visitors=Visitors(),
        open_sockets=OpenSockets(),
        unfollow=lambda *_: None,
    )

    async def running():
        return engine

    monkeypatch.setattr(consumers, "running_engine", running)
    monkeypatch.setattr(consumers, "key_in_scope", lambda scope: VISITOR)
    monkeypatch.setattr(consumers, "scope_address", lambda scope: None)
    monkeypatch.setattr(of_socket, "DEAD_SECONDS", 0.05)
    return engine


def socket() -> ChatConsumer:
    socket = ChatConsumer()
    socket.scope = {"cookies": {}, "headers": []}
    socket.sent = []

    async def send(message):
        socket.sent.append(message)

    socket.base_send = send
    return socket


async def test_a_handshake_that_the_database_refused_does_not_count(engine):
    engine.visitors.fails = True
    for _ in range(5):
        with pytest.raises(OperationalError):
            await socket().connect()
    engine.visitors.fails = False
    opened = socket()
    await opened.connect()
    assert opened.opened
    await opened.disconnect(1000)
    assert engine.sockets == set()
    assert not +engine.open_sockets.here


async def test_sockets_of_a_process_that_was_just_killed_keep_nobody_out(engine):
    engine.open_sockets = OpenSockets(4, 0)
    opened = socket()
    await opened.connect()
    assert opened.opened
    await opened.disconnect(1000)


async def test_sockets_that_still_count_after_that_time_keep_one_out(engine):
    engine.open_sockets = OpenSockets(4, 4)
    refused = socket()
    await refused.connect()
    assert not refused.opened
    said, closed = refused.sent[-2:]
    assert json.loads(said["text"])["code"] == "too_many_sockets"
    assert closed == {"type": "websocket.close", "code": 4429}
    await refused.disconnect(4429)
    assert not +engine.open_sockets.here
