import argparse
import asyncio
import io
import sys

import aiohttp
import pytest

from benchmarks import client
from benchmarks.clock import now_ns, token
from benchmarks.counting import CountingRelay
from benchmarks.visitors.base import Arrival, Received
from tests.outside import Service

TOKENS = 4


class Asked:
    """A visitor of no server, whose reply is cut to so many characters."""

    accepted_ns = None

    def __init__(self, characters=None):
        self.characters = characters
        self.arrivals = []

    async def open(self):
        pass

    async def upload(self, picture):
        pass

    async def ask(self, text):
        self.text = "".join(token(now_ns()) for _ in range(TOKENS))[1:][: self.characters]
        self.arrivals.append(Arrival(now_ns(), len(self.text)))

    def received(self):
        return Received(self.arrivals, self.text)

    async def close(self):
        pass


class Refused(Asked):
    text = ""

    async def ask(self, text):
        raise ConnectionError("no place")


class Hanging(Asked):
    text = ""

    async def ask(self, text):
        await asyncio.Event().wait()


async def measure(monkeypatch, visitors, limit_seconds=30):
    waiting = iter(visitors)
    monkeypatch.setitem(client.VISITORS, "nobody", lambda session, url, model, compress: next(waiting))
    monkeypatch.setattr(sys, "stdin", io.StringIO("go\n"))
    options = {
        "url": "",
        "streams": len(visitors),
        "tokens": TOKENS,
        "rate": 50,
        "ramp": 0,
        "server": "nobody",
    }
    options |= {"turn": 1, "model": "m", "worker": None}
    options |= {"limit_seconds": limit_seconds, "image": False, "plain": False, "count_bytes": False}
    return await client.measure(argparse.Namespace(**options))


async def test_a_reply_is_complete_only_with_every_token(monkeypatch):
    measured = await measure(monkeypatch, [Asked(), Asked(characters=14), Asked()])
    assert (measured.offered, measured.completed) == (3, 2)
    assert measured.tokens == 2 * TOKENS + 3
    assert measured.errors == []


async def test_a_refused_question_is_told_and_has_no_first_token(monkeypatch):
    measured = await measure(monkeypatch, [Asked(), Refused()])
    assert measured.completed == 1
    assert measured.errors == ["ConnectionError('no place')"]
    assert measured.first_p50 is not None
    assert measured.first_p99 is None


async def test_a_reply_without_end_is_broken_off_and_told(monkeypatch):
    measured = await measure(monkeypatch, [Hanging()], limit_seconds=0.05)
    assert measured.completed == 0
    assert measured.errors == ["not ended in time"]
    assert measured.added_p99 is None


@pytest.fixture
def echo():
    class Echo(Service):
        def answer(self, path, body):
            return 200, body

    service = Echo()
    yield service
    service.close()


async def test_bytes_are_those_that_the_server_sends_headers_included(echo):
    async with (
        CountingRelay(echo.url) as relay,
        aiohttp.ClientSession() as session,
        session.post(relay.url, json="x" * 5000) as response,
    ):
        body = await response.read()
    lines = len("HTTP/1.1 200 OK\r\n") + 2
    lines += sum(len(name) + len(value) + len(": \r\n") for name, value in response.raw_headers)
    assert len(body) == 5002
    assert relay.bytes_to_client == len(body) + lines
