"""Many sockets, many streams, and a long time: everything is exact, and afterwards the site is where it was."""

import asyncio
import contextlib
import os
import random
import resource
import time
import uuid

import pytest

from chat.demo.showcase import asked_length
from tests.faults.conftest import LONG
from tests.faults.invariants import (
    Books,
    Resources,
    assert_committed,
    assert_ended,
    assert_nothing_runs,
    assert_promises,
)
from tests.faults.proxy import FaultProxy
from tests.faults.tabs import Seen, Tab
from tests.running import DemoWorker, Site, free_port
from tests.visitor import Page, Visitor

SOCKETS = 10_000 if LONG else 500
STREAMS = 1000 if LONG else 100
SOAK_SECONDS = float(os.environ.get("MMCHAT_SOAK_SECONDS", "600" if LONG else "10"))
TABS_OF_A_VISITOR = 10
MESSAGES = 5  # in each conversation of the soak
AT_ONCE = 50  # pages that open at the same moment
# Tokens a second, and a question whose reply takes long enough that all run at once, whoever else uses the machine.
RATE, STREAM_QUESTION = (2, "count to 100") if LONG else (20, "count to 200")
SETTINGS = {"MMCHAT_CONCURRENCY_COUNT": "2000", "MMCHAT_WORKER_CONCURRENCY": "2000", "MMCHAT_LIMITS": "off"}


def tell(what: str, figure: float) -> None:
    """Print what was measured; `pytest -rP` shows it of tests that pass, too."""
    print(f"{what}: {figure:,.1f}")


@pytest.fixture(scope="module", autouse=True)
def _as_many_files_as_the_machine_allows():
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most >= SOCKETS + 500, f"ulimit -n allows {most}; these tests need {SOCKETS + 500}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@contextlib.contextmanager
def running(folder, rate: int, **settings: str):
    """Run a site of one process, and a worker; give the site with its model."""
    site = Site(folder, environment={**SETTINGS, **settings}).start()
    worker = DemoWorker(site, "--rate", str(rate), "--limit-model-concurrency", "2000")
    try:
        site.model = site.wait_for_model()
        site.books = Books(site)
        yield site
        assert site.stop() == 0, "the site did not end cleanly"
        assert "Traceback" not in site.log
    finally:
        worker.stop()
        site.remove()


@pytest.fixture
async def busy(tmp_path):
    with contextlib.ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, running(tmp_path, RATE))
        await asyncio.to_thread(stack.close)


async def warm_up(site: Site, url: str) -> None:
    """What the first visitors make a site load stays, and is not theirs."""
    visitors = await visitors_of(url, 3)
    async with pages_of(visitors, 60) as pages:
        accepted = [await page.ask("count to 3", site.model) for page in pages]
        for page, each in zip(pages, accepted, strict=True):
            await page.until_ended(each["reply"])
    await asyncio.to_thread(assert_nothing_runs, site.books)


async def visitors_of(url: str, number: int) -> list[Visitor]:
    return [await asyncio.to_thread(Visitor, url) for _ in range(number)]


@contextlib.asynccontextmanager
async def pages_of(visitors: list[Visitor], number: int):
    """Open so many pages, some at a time, and close them in the end."""
    places = asyncio.Semaphore(AT_ONCE)
    pages: list[Page] = []

    async def open_one(visitor: Visitor) -> None:
        async with places:
            page = Page(await visitor.connect(compression=None))
            pages.append(page)
            await page.expect("hello", 60)

    async def close_one(page: Page) -> None:
        async with places:
            await page.connection.close()

    try:
        await asyncio.gather(*(open_one(visitors[each % len(visitors)]) for each in range(number)))
        yield pages
    finally:
        await asyncio.gather(*(close_one(page) for page in pages))


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


# A long soak


class Passers:
    """Visitors who don't stay: some close their page at once, some stop what they asked for."""

    def __init__(self, site: Site, origin: str) -> None:
        self._site, self._origin = site, origin
        self.closed: list[dict] = []
        self.stopped: list[dict] = []

    async def pass_by(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            visitor = await asyncio.to_thread(Visitor, self._site.url)
            async with visitor.socket(origin=self._origin) as page:
                if random.random() < 0.5:
                    self.closed.append(await page.ask("count to 5", self._site.model))
                    continue
                accepted = await page.ask("count to 2000", self._site.model)
                await page.until_text(accepted["reply"], random.randrange(40))
                await page.send("stop", message=accepted["reply"])
                await page.until_ended(accepted["reply"])
                assert_promises(self._site.books, page, accepted)
                self.stopped.append(accepted)

    def assert_ended(self) -> None:
        for accepted, state in [
            *((each, "complete") for each in self.closed),
            *((each, "stopped") for each in self.stopped),
        ]:
            assert_committed(self._site.books, accepted)
            assert assert_ended(self._site.books, accepted["reply"]).state == state


async def cut_now_and_then(proxy: FaultProxy, enough: asyncio.Event) -> None:
    """Break every connection through a proxy, again and again."""
    while not enough.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(enough.wait(), random.uniform(1, 3))
        await asyncio.to_thread(proxy.reset)


async def test_a_long_soak(tmp_path):
    question, port = "count to 15", free_port()
    with contextlib.ExitStack() as stack:
        site = await asyncio.to_thread(
            stack.enter_context, running(tmp_path, 30, MMCHAT_URL=f"http://127.0.0.1:{port}")
        )
        proxy = stack.enter_context(FaultProxy("127.0.0.1", site.port, port))
        await warm_up(site, proxy.url)
        before, seen, enough, at_once = Resources(site), Seen(), asyncio.Event(), asyncio.Event()
        at_once.set()
        visitors = await visitors_of(proxy.url, 3)
        tabs: list[Tab] = []

        async def talk(visitor: Visitor) -> None:
            while not enough.is_set():
                tab = Tab(visitor, site.model, seen)
                tabs.append(tab)
                await tab.run(question, at_once, MESSAGES)

        passers = Passers(site, proxy.url)
        async with asyncio.TaskGroup() as group:
            for number in range(30):
                group.create_task(talk(visitors[number % 3]))
            for _ in range(3):
                group.create_task(passers.pass_by(enough))
            group.create_task(cut_now_and_then(proxy, enough))
            await asyncio.sleep(SOAK_SECONDS)
            enough.set()
        sent = [(tab, message) for tab in tabs for message in tab.sent]
        tell("replies", len(sent) + len(passers.closed) + len(passers.stopped))
        tell("connections cut", seen.closes.total())
        assert seen.errors == []
        assert "TimeoutError" not in seen.refused
        assert [tab.gaps for tab in tabs if tab.gaps] == []
        ends = {(reply["state"], reply["text"]) for tab, message in sent if (reply := tab.ended(message))}
        assert ends == {("complete", asked_length(question))}
        for _, message in sent:
            stored = site.books.reply(message.accepted["reply"])
            assert (stored.state, stored.text) == ("complete", asked_length(question))
            assert site.books.count(message.client_id) == 1
            assert site.books.rows(
                "SELECT count(*) FROM chat_message WHERE parent_id = ?",
                uuid.UUID(message.accepted["message"]),
            ) == [(1,)]
        await asyncio.to_thread(passers.assert_ended)
        await asyncio.to_thread(assert_nothing_runs, site.books)
        await asyncio.to_thread(before.assert_returned, 60)
        tell("MB more", before.now()[0] - before.before[0])
        await asyncio.to_thread(stack.close)
