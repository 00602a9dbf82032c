"""Measure what slow readers cost the fast ones and the site's memory: `python -m benchmarks.slow_readers`.

Many pages follow one long reply over connections of 1 KB a second, while other visitors' replies are read at full
speed. The same runs before without the slow pages; the long reply runs there too, so that only its readers differ.
"""

import argparse
import asyncio
import time
from pathlib import Path
from statistics import median

import requests

from benchmarks.load import Load, measure, servers
from benchmarks.processes import ROOT, prepare, resident_megabytes
from benchmarks.reports import Report
from benchmarks.servers import SECRET, Server
from benchmarks.tables import SLOW_COLUMNS, Row, table
from tests.browser.scripted_worker import MODEL, Hold, ScriptedWorker
from tests.faults.watchers import SlowWatcher
from tests.visitor import Visitor

PIECE = "lorem ipsum dolor " * 110  # 2 KB, ten times a second: far more than the slow ones read
PIECE_SECONDS = 0.1
SAMPLE_SECONDS = 0.5
FILE = ROOT / "build" / "benchmark" / "slow_readers.json"


class Memory:
    """The site's resident memory over time, while the block runs."""

    def __init__(self, server: Server) -> None:
        self._pid = server.pid
        self._began = time.monotonic()
        self.samples: list[tuple[float, float]] = []  # seconds, megabytes

    async def __aenter__(self) -> "Memory":
        self._sample()
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        self._sample()

    def _sample(self) -> None:
        since = round(time.monotonic() - self._began, 1)
        self.samples.append((since, round(resident_megabytes(self._pid), 1)))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            self._sample()


async def compare(load: Load, slow: int, hold: float) -> Row:
    """Run the fast ones beside so many slow readers, which are then given `hold` seconds more and a fast line."""
    with servers("mmchat", Load(streams=load.streams + 1)) as (server, behind):
        worker = ScriptedWorker(MODEL)
        worker.register(f"{server.url}/workers/{SECRET}")
        try:
            return await _compare(load, slow, hold, server, behind, worker)
        finally:
            worker.close()


async def _compare(
    load: Load, slow: int, hold: float, server: Server, behind: Server, worker: ScriptedWorker
) -> Row:
    going_on = [Hold() for _ in range(round((load.tokens / load.rate + load.ramp) / PIECE_SECONDS))]
    worker.will_say(*(part for each in going_on for part in (each, PIECE)))
    visitor = await asyncio.to_thread(Visitor, server.url)
    async with visitor.socket() as page:
        accepted = await page.ask("Tell me much.", MODEL)
        await page.until(accepted["reply"], lambda reply: reply["state"] == "streaming")
    watchers = [SlowWatcher([visitor], accepted) for _ in range(slow)]
    reading = [asyncio.create_task(each.watch()) for each in watchers]
    while not all(each.messages for each in watchers):
        await asyncio.sleep(0.1)
    async with Memory(server) as memory:
        telling = asyncio.create_task(_tell(going_on, behind))
        row = await asyncio.to_thread(measure, "mmchat", load, server, behind)
        await telling
        held = [len(each.reply["text"]) for each in watchers]
        if slow:
            await asyncio.sleep(hold)
        connected = sum(not task.done() for task in reading)
        for each in watchers:
            if each.page:
                each.page.connection.hurry()
        await asyncio.gather(*reading, return_exceptions=True)
    text = (PIECE * len(going_on)).strip()
    return {
        "slow": slow,
        "fast": load.streams,
        "completed": row["completed"],
        "added_p50": row["added_p50"],
        "added_p99": row["added_p99"],
        "cpu_seconds": row["cpu_seconds"],
        "megabytes_before": memory.samples[0][1],
        "megabytes_peak": max(megabytes for _, megabytes in memory.samples),
        "megabytes_after": memory.samples[-1][1],
        "long_kilobytes": len(text) / 1024,
        "held_kilobytes": median(held) / 1024 if held else None,
        "still_connected": connected if slow else None,
        "slow_exact": sum(each.reply["text"] == text and not each.gaps for each in watchers)
        if slow
        else None,
        "memory": memory.samples,
        "fast_run": row,
    }


async def _tell(going_on: list[Hold], behind: Server) -> None:
    """Let the long reply begin with the fast ones."""
    while not (await asyncio.to_thread(requests.get, f"{behind.url}/progress", timeout=30)).json()["began"]:
        await asyncio.sleep(PIECE_SECONDS)
    for each in going_on:
        each.set()
        await asyncio.sleep(PIECE_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_readers", description=__doc__)
    add = parser.add_argument
    add("--slow", type=int, default=100, help="pages that read 1 KB a second; default 100")
    add("--fast", type=int, default=200, help="visitors who read at full speed; default 200")
    add("--tokens", type=int, default=1000, help="of each fast reply, 50 a second; default 1000")
    add("--hold", type=float, default=45, help="seconds for which the slow ones read on after it; default 45")
    add("--runs", type=int, default=1, help="default 1")
    add(
        "--json",
        type=Path,
        default=FILE,
        metavar="FILE",
        help="where to write what was measured; %(default)s",
    )
    options = parser.parse_args()
    prepare()
    report = Report("slow_readers")
    load = Load(streams=options.fast, tokens=options.tokens, limit_seconds=options.tokens / 50 + 60)
    rows = [
        asyncio.run(compare(load, slow, options.hold))
        for _ in range(options.runs)
        for slow in (0, options.slow)
    ]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    report.write(options.json, runs=rows)
    print(f"{report.heading}\n\n{table(SLOW_COLUMNS, rows)}")


if __name__ == "__main__":
    main()
