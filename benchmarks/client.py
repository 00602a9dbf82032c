"""Many visitors of one server in one process: `python -m benchmarks.client`, started by `benchmarks.streams`.

Prints `ready` when all visitors are there, begins when a line comes on standard input, and prints what it
measured as one line of JSON.
"""

import argparse
import asyncio
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass

import aiohttp

from benchmarks.clock import TOKEN_CHARACTERS, now_ns
from benchmarks.counting import CountingRelay
from benchmarks.measures import most_at_once, quantile, token_delays
from benchmarks.pictures import photograph
from benchmarks.visitors import VISITORS, Visitor

OPENED_AT_ONCE = 20
TICK_SECONDS = 0.02


@dataclass
class Measured:
    """What one run of one client gave. Times in milliseconds; None where there is nothing to tell."""

    offered: int
    completed: int
    at_once: int
    tokens: int
    characters: int
    seconds: float
    upload_p50: float | None
    first_p50: float | None  # infinite, written as None, where half of the streams never began
    first_p99: float | None
    added_p50: float | None
    added_p99: float | None
    added_max: float | None
    client_lag_p99: float | None  # how late this process's own loop was
    bytes_to_client: int | None
    errors: list[str]


class Stream:
    """One visitor's question and its times."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.upload_ms: float | None = None
        self.asked_ns = 0
        self.error: str | None = None

    async def upload(self, picture: bytes) -> None:
        began = now_ns()
        await self.visitor.upload(picture)
        self.upload_ms = (now_ns() - began) / 1e6

    async def ask(self, text: str, delay: float) -> None:
        await asyncio.sleep(delay)
        self.asked_ns = now_ns()
        await self.visitor.ask(text)


async def measure(options: argparse.Namespace) -> Measured:
    async with AsyncExitStack() as stack:
        url, relay = options.url, None
        if options.count_bytes:
            relay = await stack.enter_async_context(CountingRelay(url))
            url = relay.url
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        )
        make = VISITORS[options.server]
        streams = [Stream(make(session, url, not options.plain)) for _ in range(options.streams)]
        pictures = [photograph(number) for number in range(options.streams)] if options.image else []
        for begin in range(0, len(streams), OPENED_AT_ONCE):
            await asyncio.gather(*(each.visitor.open() for each in streams[begin : begin + OPENED_AT_ONCE]))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        counted_before = relay.bytes_to_client if relay else 0
        began = now_ns()
        lags: list[float] = []
        ticking = asyncio.create_task(_tick(lags))
        await _run(streams, pictures, options)
        seconds = (now_ns() - began) / 1e9
        ticking.cancel()
        # Closing handshakes come after the reply.
        counted = relay.bytes_to_client - counted_before if relay else None
        await asyncio.gather(*(each.visitor.close() for each in streams), return_exceptions=True)
    return _evaluate(streams, options, seconds, lags, counted)


async def _run(streams: list[Stream], pictures: list[bytes], options: argparse.Namespace) -> None:
    """Upload all pictures, then ask everything; what has not ended in time is broken off."""
    text = f"tokens={options.tokens} rate={options.rate:g} text={'prose' if options.count_bytes else 'clock'}"
    pause = options.ramp / len(streams)
    try:
        async with asyncio.timeout(options.limit_seconds):
            if pictures:
                await asyncio.gather(*(each.upload(one) for each, one in zip(streams, pictures, strict=True)))
            work = (each.ask(text, number * pause) for number, each in enumerate(streams))
            for stream, error in zip(
                streams, await asyncio.gather(*work, return_exceptions=True), strict=True
            ):
                stream.error = repr(error) if error else None
    except TimeoutError:
        for stream in streams:
            stream.error = stream.error or "not ended in time"


async def _tick(lags: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        lags.append((loop.time() - due) * 1000)


def _evaluate(
    streams: list[Stream],
    options: argparse.Namespace,
    seconds: float,
    lags: list[float],
    counted: int | None,
) -> Measured:
    first: list[float] = []
    added: list[float] = []
    spans, completed, characters = [], 0, 0
    for stream in streams:
        received = stream.visitor.received()
        shown = [arrival for arrival in received.arrivals if arrival.length]
        first.append((shown[0].read_ns - stream.asked_ns) / 1e6 if shown else float("inf"))
        if shown:
            spans.append((shown[0].read_ns, shown[-1].read_ns))
        characters += len(received.text)
        if options.count_bytes:
            completed += stream.error is None
            continue
        delays = token_delays(received)
        added += delays
        completed += (
            stream.error is None
            and len(delays) == options.tokens
            and len(received.text) == options.tokens * TOKEN_CHARACTERS - 1
        )
    return Measured(
        offered=len(streams),
        completed=completed,
        at_once=most_at_once(spans),
        tokens=len(added),
        characters=characters,
        seconds=seconds,
        upload_p50=quantile([each.upload_ms for each in streams if each.upload_ms is not None], 0.5),
        first_p50=_finite(quantile(first, 0.5)),
        first_p99=_finite(quantile(first, 0.99)),
        added_p50=quantile(added, 0.5),
        added_p99=quantile(added, 0.99),
        added_max=quantile(added, 1),
        client_lag_p99=quantile(lags, 0.99),
        bytes_to_client=counted,
        errors=sorted({each.error for each in streams if each.error}),
    )


def _finite(value: float | None) -> float | None:
    return None if value == float("inf") else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=list(VISITORS), required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--streams", type=int, required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--ramp", type=float, required=True)
    parser.add_argument("--limit-seconds", type=float, required=True)
    parser.add_argument("--image", action="store_true")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--count-bytes", action="store_true")
    print(json.dumps(asdict(asyncio.run(measure(parser.parse_args())))), flush=True)


if __name__ == "__main__":
    main()
