"""Measure pages that are open and ask nothing: `python -m benchmarks.idle`.

A visitor fetches the page and opens a socket for each of a few tabs; the sockets are kept and answer pings. The
visitors run in this process, the server in another.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from benchmarks.client import open_session
from benchmarks.load import Load, servers
from benchmarks.processes import cpu_seconds, prepare, resident_megabytes
from benchmarks.reports import Report
from benchmarks.servers import Server
from benchmarks.tables import IDLE_COLUMNS, Row, table
from benchmarks.visitors.mmchat import MmchatVisitor
from benchmarks.visitors.relay import RelayVisitor
from benchmarks.worker import MODELS

WARMED_UP = 100
PAGES = {"mmchat": MmchatVisitor, "relay": RelayVisitor}
Page = MmchatVisitor | RelayVisitor


async def hold(server: Server, name: str, options: argparse.Namespace, compress: bool) -> Row:
    """Open all sockets, keep them, and tell what that cost the server."""
    async with open_session() as session:

        def visitors(count: int) -> list[Page]:
            return [make(session, server.url, MODELS["llava"], compress) for _ in range(count)]

        make = PAGES[name]
        # What the first visitors load stays; it is not theirs.
        first = visitors(WARMED_UP)
        await _open(first, options.at_once)
        await asyncio.gather(*(each.close() for each in first))
        before = resident_megabytes(server.pid)
        pages = visitors(options.sockets // options.tabs)
        with _Cost(server) as of_pages:
            await _open(pages, options.at_once)
        tabs = [page.another_tab() for page in pages for _ in range(options.tabs - 1)]
        with _Cost(server) as of_tabs:
            await _open(tabs, options.at_once)
        staying = [asyncio.create_task(each.stay()) for each in (*pages, *tabs)]
        with _Cost(server) as of_idling:
            await asyncio.sleep(options.hold)
        after = resident_megabytes(server.pid)
        ended = Counter(repr(each.exception() or each.result()) for each in staying if each.done())
        for each in staying:
            each.cancel()
        await asyncio.gather(*(each.close() for each in (*pages, *tabs)), return_exceptions=True)
    return {
        "server": name,
        "compressed": "yes" if compress else "no",
        "sockets": len(staying),
        "visitors": len(pages),
        "open": len(staying) - sum(ended.values()),
        "seconds_to_open": of_pages.seconds + of_tabs.seconds,
        "page_cpu_ms": of_pages.cpu_seconds * 1000 / len(pages),
        "socket_cpu_ms": of_tabs.cpu_seconds * 1000 / len(tabs) if tabs else None,
        "kilobytes": (after - before) * 1024 / len(staying),
        "megabytes_before": before,
        "megabytes_after": after,
        "idle_cpu_percent": of_idling.cpu_seconds / of_idling.seconds * 100,
        "ended": dict(ended),
    }


class _Cost:
    """How long the block took, and how much CPU time the server used meanwhile."""

    def __init__(self, server: Server) -> None:
        self._pid = server.pid

    def __enter__(self) -> "_Cost":
        self._began, self._used = monotonic(), cpu_seconds(self._pid)
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds, self.cpu_seconds = monotonic() - self._began, cpu_seconds(self._pid) - self._used


async def _open(pages: Sequence[Page], at_once: int) -> None:
    places = asyncio.Semaphore(at_once)

    async def open_one(page: Page) -> None:
        async with places:
            await page.open()

    await asyncio.gather(*(open_one(page) for page in pages))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle", description=__doc__)
    add = parser.add_argument
    add("--server", choices=list(PAGES), nargs="+", default=["mmchat"], help="default mmchat")
    add("--sockets", type=int, default=10_000, help="default 10000")
    add("--tabs", type=int, default=10, help="sockets of each visitor; default 10")
    add("--at-once", type=int, default=50, help="visitors who come at the same moment; default 50")
    add("--hold", type=float, default=30, help="seconds for which they are kept; default 30")
    add("--compress", choices=["no", "yes", "both"], default="both", help="permessage-deflate; default both")
    add("--json", type=Path, metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    prepare()
    report = Report("idle")
    rows = []
    for compress in {"no": [False], "yes": [True], "both": [False, True]}[options.compress]:
        for name in options.server:
            with servers(name, Load()) as (server, _):
                rows.append(asyncio.run(hold(server, name, options, compress)))
    report.write(options.json, runs=rows)
    print(f"{report.heading}\n\n{table(IDLE_COLUMNS, rows)}")


if __name__ == "__main__":
    main()
