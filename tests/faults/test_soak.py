"""A soak: visitors chat, upload, vote, reload and drop while one thing after another breaks; nothing is lost or leaks.

`make soak` runs it for an hour, `make long` for ten minutes, `make test-faults` for two.
"""

import asyncio
import os
import statistics
import time
from collections import Counter

import pytest

from tests.faults.conftest import LONG
from tests.faults.invariants import Resources, assert_nothing_runs
from tests.faults.loads import tell, visitors_of
from tests.faults.nodes import several_nodes
from tests.faults.soak import remains
from tests.faults.soak.guests import Guest
from tests.faults.soak.havoc import Balancer, Havoc, decoders_of
from tests.faults.soak.ledger import Ledger
from tests.running import free_port

SECONDS = float(os.environ.get("MMCHAT_SOAK_SECONDS", "600" if LONG else "120"))
WARM_UP = min(60.0, SECONDS / 4)
GUESTS = 12
PLACES = 8  # for replies at once: some wait
DECODERS = 2  # of a process
PAUSE = min(10.0, SECONDS / 100)  # between two faults, on average
THINK = min(2.0, SECONDS / 20)  # longest, before a visitor does the next thing
RATE = 40  # tokens a second
WORKER = ("--rate", str(RATE), "--limit-model-concurrency", str(GUESTS))


@pytest.fixture
def nodes(tmp_path):
    """Two processes of one site on PostgreSQL and Redis, a worker, and what stands before the processes."""
    port = free_port()
    settings = {
        "MMCHAT_URL": f"http://127.0.0.1:{port}",
        "MMCHAT_CONCURRENCY_COUNT": str(PLACES),
        "MMCHAT_WORKER_CONCURRENCY": str(PLACES),
        "MMCHAT_WORKER_SECRET": "soak",
        "MMCHAT_LIMITS": "off",
        "MMCHAT_LOG_LEVEL": "WARNING",
    }
    with several_nodes(tmp_path / "site", 2, RATE, GUESTS, **settings) as nodes:
        with Balancer([site.port for site in nodes.sites], port) as nodes.balancer:
            yield nodes
        nodes.worker.stop()
        nodes.sites[0].remove()


async def test_a_soak(nodes):
    ledger, havoc = Ledger(), Havoc(nodes, nodes.balancer, WORKER)
    visitors = await visitors_of(nodes.balancer.url, GUESTS)
    guests = [Guest(visitor, nodes.model, ledger, number) for number, visitor in enumerate(visitors)]

    async def stay(seconds: float, *, raging: bool) -> None:
        enough = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for guest in guests:
                group.create_task(guest.stay(enough, THINK))
            await (havoc.rage(seconds, PAUSE) if raging else asyncio.sleep(seconds))
            enough.set()
        await asyncio.to_thread(assert_nothing_runs, nodes.books)

    # What the first visitors make a site load stays, and is not theirs; so do the processes that decode pictures.
    await stay(WARM_UP, raging=False)
    async with asyncio.timeout(60):
        while any(len(decoders_of(site)) < DECODERS for site in nodes.sites):
            await asyncio.gather(*(guest.upload_picture(512, 512) for guest in guests))
    before, warmed_up = [Resources(site) for site in nodes.sites], time.monotonic()
    await stay(SECONDS, raging=True)
    seconds = time.monotonic() - warmed_up

    assert "TimeoutError" not in ledger.lost  # so long does nobody wait
    assert ledger.gaps == 0
    ends = await asyncio.to_thread(ledger.assert_kept, nodes.books)
    assert not [end for end in ends if "internal_error" in end]
    await asyncio.to_thread(ledger.assert_served, nodes.balancer.url)
    await asyncio.to_thread(remains.assert_no_process_left_over, nodes.books, nodes.sites)
    await asyncio.to_thread(remains.assert_workers_idle, nodes.books)
    for resources in before:
        await asyncio.to_thread(resources.assert_returned, 60)
    orphans = await asyncio.to_thread(
        remains.assert_nothing_left_over,
        nodes.books,
        nodes.sites[0],
        ledger,
        havoc.happened["process killed"],
    )
    assert "Traceback" not in nodes.sites[0].log  # both processes write to it

    figures = {
        "minutes": seconds / 60,
        **counted("replies", ends),
        **counted("visitors did", ledger.did),
        "uploads kept": len(ledger.uploads),
        **counted("uploads refused", ledger.refused),
        **counted("faults", havoc.happened),
        **counted("connections that broke", ledger.lost),
        **counted("asked again after", ledger.passing),
        "files that killed processes left, and `purge` removed": orphans,
        "from a lost connection to the text on screen, ms, median": 1000 * statistics.median(ledger.resumes),
        "the same, slowest": 1000 * max(ledger.resumes),
    }
    for number, resources in enumerate(before, 1):
        for what, then, now in zip(("MB", "descriptors"), resources.before, resources.now(), strict=True):
            figures[f"process {number}, {what} before"], figures[f"process {number}, {what} after"] = (
                then,
                now,
            )
    for what, figure in figures.items():
        tell(what, figure)


def counted(title: str, counter: Counter) -> dict[str, int]:
    return {title: counter.total(), **{f"{title}: {what}": number for what, number in counter.most_common()}}
