"""Many sockets and many streams: everything is exact, and afterwards the site is where it was."""

import asyncio
import contextlib
import random
import resource
import time

import pytest

from chat.demo.showcase import asked_length
from tests.faults.conftest import LONG
from tests.faults.invariants import Resources, assert_nothing_runs, assert_promises
from tests.faults.loads import AT_ONCE, pages_of, running, tell, visitors_of, warm_up
from tests.running import Site
from tests.visitor import Page

SOCKETS = 10_000 if LONG else 500
STREAMS = 1000 if LONG else 100
TABS_OF_A_VISITOR = 10
# Tokens a second, and a question whose reply takes long enough that all run at once, whoever else uses the machine.
RATE, STREAM_QUESTION = (2, "count to 100") if LONG else (20, "count to 200")


@pytest.fixture(scope="module", autouse=True)
def _as_many_files_as_the_machine_allows():
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most >= SOCKETS + 500, f"ulimit -n allows {most}; these tests need {SOCKETS + 500}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@pytest.fixture
async def busy(tmp_path):
    with contextlib.ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, running(tmp_path, RATE))
        await asyncio.to_thread(stack.close)


async def hold_to_resources(site: Site, load) -> None:
    """Let a load pass, and see that what it took is free again.

    Python keeps much of the memory that thousands once needed, in pieces with one object left in each. So the long
    variants let the load pass twice, and the second time must need no more.
    """
    rested = Resources(site)
    await load(rested)
    await asyncio.to_thread(assert_nothing_runs, site.books)
    await asyncio.to_thread(rested.assert_descriptors_returned)
    if LONG:
        needed = Resources(site)
        tell("MB kept", needed.before[0] - rested.before[0])
        await load(needed)
        await asyncio.to_thread(assert_nothing_runs, site.books)
        await asyncio.to_thread(needed.assert_returned, 60)
    else:
        await asyncio.to_thread(rested.assert_returned, 60)


async def test_10_000_idle_sockets(busy):
    await warm_up(busy, busy.url)
    visitors = await visitors_of(busy.url, SOCKETS // TABS_OF_A_VISITOR)

    async def load(before: Resources) -> None:
        began = time.monotonic()
        async with pages_of(visitors, SOCKETS) as pages:
            tell("seconds to open", time.monotonic() - began)
            tell("KB a socket", (before.now()[0] - before.before[0]) * 1024 / SOCKETS)
            assert before.now()[1] >= SOCKETS
            for page in random.sample(pages, 20):
                accepted = await page.ask("count to 3", busy.model)
                await page.until_ended(accepted["reply"])
                assert_promises(busy.books, page, accepted)
            # All are open still, and answer.
            async with asyncio.timeout(60):
                for pong in [await page.connection.ping() for page in pages]:
                    await pong

    await hold_to_resources(busy, load)


async def test_1000_streams(busy):
    await warm_up(busy, busy.url)
    visitors, text = await visitors_of(busy.url, STREAMS // TABS_OF_A_VISITOR), asked_length(STREAM_QUESTION)
    places = asyncio.Semaphore(AT_ONCE)

    def streaming(pages: list[Page]) -> int:
        held = [message for page in pages for message in page.messages.values()]
        return sum(message["state"] == "streaming" and bool(message["text"]) for message in held)

    async def ask(page: Page) -> dict:
        async with places:
            accepted = await page.ask(STREAM_QUESTION, busy.model)
        await page.until_ended(accepted["reply"], 300)
        return accepted

    async def load(before: Resources) -> None:
        most, began = 0, time.monotonic()
        async with pages_of(visitors, STREAMS) as pages:
            async with asyncio.TaskGroup() as group:
                asking = [group.create_task(ask(page)) for page in pages]
                while not all(task.done() for task in asking):
                    if (running := streaming(pages)) > most:
                        most, seconds = running, time.monotonic() - began
                        megabytes = before.now()[0] - before.before[0]
                    await asyncio.sleep(0.2)
            tell("seconds until all ran", seconds)
            tell("MB more while they ran", megabytes)
            for page, task in zip(pages, asking, strict=True):
                stored = assert_promises(busy.books, page, task.result())
                assert (stored.state, stored.text) == ("complete", text)
        assert most == STREAMS

    await hold_to_resources(busy, load)
