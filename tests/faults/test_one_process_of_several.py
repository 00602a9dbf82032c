"""Several processes on one listener: one that is told to end leaves new connections to the others at once."""

import asyncio
import contextlib
import signal
import uuid

import psutil
import pytest
import requests
import websockets

from tests.faults.invariants import Books, assert_committed, assert_ended
from tests.faults.memory_limit import no_more_memory
from tests.faults.nodes import own_services
from tests.running import DemoWorker, Site, wait_until
from tests.visitor import Visitor


@pytest.fixture
def pair(tmp_path):
    """A site of two processes, its worker, and its database."""
    with contextlib.ExitStack() as stack:
        site = Site(tmp_path, "--processes", "2", environment=stack.enter_context(own_services()))
        stack.callback(site.kill)
        site.start()
        worker = DemoWorker(site, "--rate", "10")
        stack.callback(worker.stop)
        site.model = worker.wait()
        yield site
        left = children(site) if site.process.poll() is None else []
        site.kill()
        for pid in left:  # only where a test failed: they outlive a supervisor that was killed
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()


def children(site: Site) -> list[int]:
    """Give the server processes that live."""
    found = []
    for child in psutil.Process(site.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "mmchat_site.server" in child.cmdline():
                found.append(child.pid)
    return found


def readiness(site: Site) -> int:
    return requests.get(f"{site.url}/readyz", timeout=5).status_code


def owner(site: Site, reply: str) -> int:
    """Give the process that runs a reply."""
    sql = "SELECT p.pid FROM chat_message m JOIN chat_serverprocess p ON m.owner = p.id WHERE m.id = ?"
    [(pid,)] = Books(site).rows(sql, uuid.UUID(reply))
    return pid


async def test_one_told_to_end_takes_nothing_new_and_ends_its_replies(pair):
    assert len(children(pair)) == 2
    visitor = await asyncio.to_thread(Visitor, pair.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 50", pair.model)
        await page.until_text(accepted["reply"])
        ending = psutil.Process(await asyncio.to_thread(owner, pair, accepted["reply"]))
        ending.send_signal(signal.SIGTERM)
        listens = {"LISTEN"}
        await asyncio.to_thread(
            wait_until,
            lambda: listens.isdisjoint(each.status for each in ending.net_connections("tcp")),
            5,
            "a listener that is left",
        )
        # Each asks on a connection of its own; at this one's share of half, 30 in a row would hardly miss it.
        assert {await asyncio.to_thread(readiness, pair) for _ in range(30)} == {200}
        reply = await page.until_ended(accepted["reply"])
        assert reply["state"] == "complete"
        assert await page.until_closed() == 1012
    await asyncio.to_thread(
        wait_until,
        lambda: len(children(pair)) == 2 and ending.pid not in children(pair),
        20,
        "another process in its place",
    )
    assert await asyncio.to_thread(pair.stop) == 0


async def test_all_told_to_end_still_answer_that_they_are_not_ready(pair):
    visitor = await asyncio.to_thread(Visitor, pair.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 50", pair.model)
        await page.until_text(accepted["reply"])
        runs = await asyncio.to_thread(owner, pair, accepted["reply"])
        pair.process.send_signal(signal.SIGTERM)
        # The other one, which has nothing to do, ends first.
        await asyncio.to_thread(
            wait_until,
            lambda: children(pair) == [runs],
            10,
            "one process that is left",
        )
        assert await asyncio.to_thread(readiness, pair) == 503
        assert (await page.until_ended(accepted["reply"]))["state"] == "complete"
        assert await page.until_closed() == 1012
    assert await asyncio.to_thread(pair.process.wait, 20) == 0


async def test_processes_whose_supervisor_was_killed_end_their_replies_and_leave_its_port(pair):
    orphans = [psutil.Process(pid) for pid in children(pair)]
    visitor = await asyncio.to_thread(Visitor, pair.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 30", pair.model)
        await page.until_text(accepted["reply"])
        pair.kill()
        assert (await page.until_ended(accepted["reply"]))["state"] == "complete"
        assert await page.until_closed() == 1012
    await asyncio.to_thread(psutil.wait_procs, orphans, 20)
    assert [each for each in orphans if each.is_running()] == []
    await asyncio.to_thread(pair.start)
    assert "is busy" not in pair.log
    await asyncio.to_thread(pair.wait_for_model, pair.model)
    async with visitor.socket() as page:
        again = await page.ask("count to 3", pair.model)
        assert (await page.until_ended(again["reply"]))["state"] == "complete"


async def test_a_process_out_of_memory_is_replaced_and_its_replies_are_interrupted(pair):
    books = Books(pair)
    visitors = [await asyncio.to_thread(Visitor, pair.url) for _ in range(4)]
    async with contextlib.AsyncExitStack() as sockets:
        pages = [await sockets.enter_async_context(visitor.socket()) for visitor in visitors]
        accepted = [await page.ask("count to 2000", pair.model) for page in pages]
        for each, page in zip(accepted, pages, strict=True):
            await page.until_text(each["reply"])
        starved = await asyncio.to_thread(owner, pair, accepted[0]["reply"])
        owners = [await asyncio.to_thread(owner, pair, each["reply"]) for each in accepted]
        await asyncio.to_thread(use_memory_until_dead, pair, starved)
    said = "a server process ended with -9; starting another"
    await asyncio.to_thread(wait_until, lambda: said in pair.log, 10, "word of the supervisor")
    for each, process in zip(accepted, owners, strict=True):
        if process == starved:
            stored = await asyncio.to_thread(assert_ended, books, each["reply"])
            assert (stored.state, stored.error_code) == ("interrupted", "interrupted")
            assert_committed(books, each)
        else:
            assert books.reply(each["reply"]).state == "streaming"
    await asyncio.to_thread(wait_until, lambda: len(children(pair)) == 2, 20, "another process in its place")
    assert starved not in children(pair)
    async with visitors[0].socket() as page:
        await page.send("open", conversation=accepted[0]["conversation"])
        await page.expect("conversation")
        await page.send("regenerate", client_id=str(uuid.uuid4()), message=accepted[0]["reply"])
        again = await page.expect("accepted")
        await page.until_text(again["reply"])


def use_memory_until_dead(site: Site, pid: int) -> None:
    """Give a process no more memory, and open pages until it has needed some."""

    def is_dead() -> bool:
        with contextlib.suppress(requests.RequestException):  # the page that finished it
            Visitor(site.url)
        return pid not in children(site)

    with no_more_memory(pid):
        wait_until(is_dead, 30, "the end of a process without memory")


async def test_no_tab_of_a_killed_process_is_told_that_there_are_too_many(pair):
    visitor = await asyncio.to_thread(Visitor, pair.url)
    async with contextlib.AsyncExitStack() as sockets:
        pages = [await sockets.enter_async_context(visitor.socket()) for _ in range(4)]
        accepted = await pages[0].ask("count to 2000", pair.model)
        killed = psutil.Process(await asyncio.to_thread(owner, pair, accepted["reply"]))
        killed.kill()
        assert await pages[0].until_closed() == 1006
        for _ in [page for page in pages if await is_closed(page)]:
            # It greets, or the socket would be closed with 4429. The other process listens all the time.
            await sockets.enter_async_context(visitor.socket())


async def is_closed(page) -> bool:
    try:
        await page.receive(0.1)
    except TimeoutError:
        return False
    except websockets.ConnectionClosed:
        return True
    raise AssertionError("nothing is said to this page")
