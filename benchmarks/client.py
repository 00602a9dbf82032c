"""Many visitors of one server in one process: `python -m benchmarks.client`, started by `benchmarks.load`.

Prints `ready` when all visitors are there, begins when a line comes on standard input, and prints what it
measured as one line of JSON.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict

import aiohttp

from benchmarks.clock import now_ns
from benchmarks.counting import CountingRelay
from benchmarks.evaluation import Asked, Measured, Times, evaluate
from benchmarks.pictures import photograph
from benchmarks.visitors import VISITORS
from benchmarks.visitors.base import Visitor

OPENED_AT_ONCE = 20
TICK_SECONDS = 0.02
# What was said before the turn that is measured: short replies, written fast.
EARLIER = "tokens=100 rate=500 text=clock"


class Stream:
    """One visitor's question and its times."""

    def __init__(self, number: int, visitor: Visitor) -> None:
        self.number = number
        self.visitor = visitor
        self.upload_ms: float | None = None
        self.asked_ns = 0
        self.error: str | None = None

    async def upload(self, picture: bytes) -> None:
        began = now_ns()
        await self.visitor.upload(picture)
        self.upload_ms = (now_ns() - began) / 1e6

    async def ask(self, wish: str, delay: float = 0) -> None:
        await asyncio.sleep(delay)
        self.asked_ns = now_ns()
        await self.visitor.ask(f"{wish} stream={self.number}")

    def asked(self) -> Asked:
        visitor = self.visitor
        return Asked(visitor.received(), self.asked_ns, visitor.accepted_ns, self.upload_ms, self.error)


async def measure(options: argparse.Namespace) -> Measured:
    async with open_session() as session, contextlib.AsyncExitStack() as stack:
        url, relay = options.url, None
        if options.count_bytes:
            relay = await stack.enter_async_context(CountingRelay(url))
            url = relay.url
        make = VISITORS[options.server]
        streams = [
            Stream(number, make(session, url, options.model, not options.plain))
            for number in range(options.streams)
        ]
        pictures = [photograph(number) for number in range(options.streams)] if options.image else []
        for begin in range(0, len(streams), OPENED_AT_ONCE):
            await asyncio.gather(*(each.visitor.open() for each in streams[begin : begin + OPENED_AT_ONCE]))
        for _ in range(options.turn - 1):
            await asyncio.gather(*(each.ask(EARLIER) for each in streams))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        counted_before = relay.bytes_to_client if relay else 0
        began = now_ns()
        async with _ticking() as lags:
            await _run(streams, pictures, options)
        seconds = (now_ns() - began) / 1e9
        # Closing handshakes come after the reply.
        counted = relay.bytes_to_client - counted_before if relay else None
        worker = await _worker_times(session, options.worker)
        await asyncio.gather(*(each.visitor.close() for each in streams), return_exceptions=True)
    return evaluate(
        [each.asked() for each in streams],
        worker,
        tokens=None if options.count_bytes else options.tokens,
        rate=options.rate,
        seconds=seconds,
        lags=lags,
        counted=counted,
    )


def open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    )


async def _run(streams: list[Stream], pictures: list[bytes], options: argparse.Namespace) -> None:
    """Upload all pictures, then ask everything; what has not ended in time is broken off."""
    wish = f"tokens={options.tokens} rate={options.rate:g} text={'prose' if options.count_bytes else 'clock'}"
    pause = options.ramp / len(streams)
    try:
        async with asyncio.timeout(options.limit_seconds):
            if pictures:
                await asyncio.gather(*(each.upload(one) for each, one in zip(streams, pictures, strict=True)))
            work = (each.ask(wish, number * pause) for number, each in enumerate(streams))
            for stream, error in zip(
                streams, await asyncio.gather(*work, return_exceptions=True), strict=True
            ):
                stream.error = repr(error) if error else None
    except TimeoutError:
        for stream in streams:
            stream.error = stream.error or "not ended in time"


@contextlib.asynccontextmanager
async def _ticking() -> AsyncIterator[list[float]]:
    """Note how late this process's own loop is, in milliseconds, while the block runs."""
    lags: list[float] = []

    async def tick() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            lags.append((loop.time() - due) * 1000)

    ticking = asyncio.create_task(tick())
    try:
        yield lags
    finally:
        ticking.cancel()


async def _worker_times(session: aiohttp.ClientSession, worker: str | None) -> dict[int, Times]:
    if worker is None:
        return {}
    async with session.get(f"{worker}/requests") as response:
        return {int(stream): Times(*times) for stream, times in (await response.json()).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=list(VISITORS), required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--worker", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--streams", type=int, required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--ramp", type=float, required=True)
    parser.add_argument("--turn", type=int, required=True)
    parser.add_argument("--limit-seconds", type=float, required=True)
    parser.add_argument("--image", action="store_true")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--count-bytes", action="store_true")
    print(json.dumps(asdict(asyncio.run(measure(parser.parse_args())))), flush=True)


if __name__ == "__main__":
    main()
