"""A worker that fails before its first text costs the visitor time only; one that fails later, the rest."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from tests.faults import invariants
from tests.faults.conftest import IMPATIENT, register
from tests.faults.invariants import Books
from tests.faults.proxy import FaultProxy
from tests.running import DemoWorker, Site, free_port, wait_until
from tests.visitor import Visitor


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("two-workers"), environment=IMPATIENT).start()
    yield site
    site.stop()
    site.remove()


class Worker:
    """A demo worker, registered under the address of a fault proxy in front of it."""

    def __init__(self, site: Site, model: str, *options: str, queue_length: int = 0) -> None:
        self.stack = contextlib.ExitStack()
        port = free_port()
        own = f"own-{port}"  # what it registers as by itself, so that only the proxy serves `model`
        options = ("--port", str(port), "--allow-fault-requests", "--rate", "100", *options)
        self.worker = DemoWorker(site, *options, name=own)
        self.stack.callback(self.worker.stop)
        self.worker.wait()
        self.proxy = self.stack.enter_context(FaultProxy("127.0.0.1", port))
        register(site, self.proxy.url, model, queue_length)


@pytest.fixture
def pair(site):
    """Two workers of one model; the first has the shorter queue and is asked first."""
    model = f"llava-pair-{free_port()}"
    first = Worker(site, model)
    second = Worker(site, model, queue_length=3)
    with first.stack, second.stack:
        yield SimpleNamespace(model=model, first=first.proxy, second=second.proxy)


async def ask(site, model, question="count to 20", stay_until=None):
    visitor = await asyncio.to_thread(Visitor, site.url)
    async with visitor.socket() as page:
        accepted = await page.ask(question, model)
        reply = await page.until_ended(accepted["reply"], 30)
    invariants.assert_same_text(Books(site), page, accepted["reply"])
    invariants.assert_nothing_leaks(page)
    return SimpleNamespace(**reply, page=page, stored=Books(site).reply(accepted["reply"]))


async def test_refused(site, pair):
    pair.first.refuse()
    reply = await ask(site, pair.model)
    assert (reply.state, reply.stored.worker) == ("complete", pair.second.url)
    assert "20" in reply.text
    assert not [frame for frame in reply.page.frames if frame.get("failure")]


@pytest.mark.parametrize("fault", ["http-500", "http-429", "html", "empty", "garbage", "hang", "reset@0"])
async def test_each_worker_is_asked_once(site, pair, fault):
    # The question carries the fault, so both workers fail it.
    reply = await ask(site, pair.model, f"count to 20 [[fault:{fault}]]")
    assert (reply.state, reply.text) == ("failed", "")
    assert (pair.first.connections, pair.second.connections) == (1, 1)


async def test_no_first_token(site, pair):
    pair.first.black_hole()
    reply = await ask(site, pair.model)
    assert (reply.state, reply.stored.worker) == ("complete", pair.second.url)


async def test_a_worker_that_fails_after_its_first_text_ends_the_reply(site, pair):
    reply = await ask(site, pair.model, "count to 20 [[fault:reset@10]]")
    assert (reply.state, reply.failure["code"]) == ("failed", "worker_broke_off")
    assert reply.text
    assert pair.second.connections == 0


async def test_a_broken_worker_is_left_alone_and_tried_again_later(site, pair):
    pair.first.refuse()
    await ask(site, pair.model)
    pair.first.heal()
    breaker = "SELECT state, error_code FROM chat_circuitbreaker WHERE address = ?"
    assert site.rows(breaker, pair.first.url) == [("open", "worker_refused")]
    for _ in range(3):
        assert (await ask(site, pair.model)).stored.worker == pair.second.url
    assert pair.first.connections == 0

    async def answers_again():
        return (await ask(site, pair.model)).stored.worker == pair.first.url

    async with asyncio.timeout(30):
        while not await answers_again():
            await asyncio.sleep(0.5)
    await asyncio.to_thread(wait_until, lambda: site.rows(breaker, pair.first.url) == [])


async def test_three_failures_in_a_row_open_the_breaker(site, pair):
    for _ in range(3):
        await ask(site, pair.model, "count to 20 [[fault:reset@10]]")
    assert pair.first.connections == 3
    assert (await ask(site, pair.model)).stored.worker == pair.second.url


async def test_a_reply_that_is_stopped_between_two_workers_is_stopped(site, pair):
    pair.first.black_hole()
    visitor = await asyncio.to_thread(Visitor, site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 20", pair.model)
        await page.send("stop", message=accepted["reply"])
        reply = await page.until_ended(accepted["reply"])
    assert reply["state"] == "stopped"
    assert pair.second.connections == 0
