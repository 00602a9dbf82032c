"""A site of two processes whose Redis fails: pages open, replies finish, and tabs at the other process catch up."""

import asyncio
import contextlib
import json
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import websockets

from tests.faults.invariants import Books, assert_promises
from tests.faults.nodes import RedisServer, own_database
from tests.faults.proxy import FaultProxy
from tests.running import DemoWorker, Site, wait_until
from tests.visitor import Visitor

MOST_SOCKETS = 4
TOO_MANY = 4429


class FaultyRedis(RedisServer):
    """A Redis, and the way to it."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        super().__init__(stack)
        self.proxy = stack.enter_context(FaultProxy("127.0.0.1", urlsplit(self.url).port))

    # The rows of the table: what happens, and what ends it

    def begin(self, fault: str) -> None:
        match fault:
            case "restart":
                self.restart()
            case "flushall":
                self.command("FLUSHALL")
            case "out of memory":
                self.command("CONFIG", "SET", "maxmemory", "1")
            case "2 s latency":
                self.proxy.delay(1)  # there, and back
            case "unreachable":
                self.proxy.refuse()
            case "silent":
                self.proxy.black_hole()

    def end(self) -> None:
        self.proxy.heal()
        self.command("CONFIG", "SET", "maxmemory", "0")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two processes with ports of their own on one database and one Redis, and a worker."""
    folder = tmp_path_factory.mktemp("two")
    with contextlib.ExitStack() as stack:
        server = FaultyRedis(stack)
        url = f"redis://127.0.0.1:{server.proxy.port}/0"
        environment = {"REDIS_URL": url, "DATABASE_URL": stack.enter_context(own_database())}
        sites = [Site(folder, environment=environment).start() for _ in range(2)]
        worker = DemoWorker(sites[0], "--rate", "40")
        try:
            for site in sites:
                site.wait_for_model(worker.name)
            yield SimpleNamespace(sites=sites, model=worker.name, books=Books(sites[0]), redis=server)
        finally:
            worker.stop()
            ends = [site.stop() for site in sites]
            sites[0].remove()
        assert ends == [0, 0]


@pytest.fixture(autouse=True)
def whole(two):
    """Begin and end each test with a Redis that works."""
    wait_until(lambda: away(two) == 0, 20, "processes that reach Redis")
    yield
    two.redis.end()


def away(two) -> int:
    """Count the processes that count limits by themselves, by what they log, both into one file."""
    log = two.sites[0].log
    return log.count("limits count per process") - log.count("limits count over all processes again")


def at(visitor: Visitor, site: Site) -> Visitor:
    """The same browser at another process."""
    other = Visitor(site.url)
    other.http.cookies = visitor.http.cookies
    other.bootstrap = {**other.bootstrap, "csrf_token": visitor.bootstrap["csrf_token"]}
    return other


@pytest.mark.parametrize(
    "fault", ["restart", "flushall", "out of memory", "2 s latency", "unreachable", "silent"]
)
async def test_replies_finish_and_tabs_catch_up_after(two, fault):
    here = await asyncio.to_thread(Visitor, two.sites[0].url)
    there = await asyncio.to_thread(at, here, two.sites[1])
    async with here.socket() as page, there.socket() as other:
        first = await page.ask("count to 60", two.model)
        await other.send("open", conversation=first["conversation"])
        await page.until_text(first["reply"], 10)
        await other.until_text(first["reply"], 10)

        await asyncio.to_thread(two.redis.begin, fault)
        for tab in (page, other):
            assert (await tab.until_ended(first["reply"]))["state"] == "complete"
        async with here.socket() as fresh, there.socket() as elsewhere:
            for tab in (fresh, elsewhere):
                await tab.send("open", conversation=first["conversation"])
                await tab.expect("conversation")
        second = await page.ask("count to 20", two.model, conversation=first["conversation"])
        assert second["type"] == "accepted", second
        assert (await page.until_ended(second["reply"]))["state"] == "complete"
        vote = await asyncio.to_thread(here.post, f"/feedback/{first['reply']}/vote/", json={"value": "up"})
        assert vote.ok, vote.text
        await page.expect("feedback")

        await asyncio.to_thread(two.redis.end)
        await other.until_ended(second["reply"])
        await other.until(first["reply"], lambda reply: reply["vote"] == "up")
    for tab in (page, other):
        for accepted in (first, second):
            assert_promises(two.books, tab, accepted)
    assert "Traceback" not in two.sites[0].log


async def test_limits_fall_back_to_each_process_while_redis_is_unreachable(two):
    here = await asyncio.to_thread(Visitor, two.sites[0].url)
    there = await asyncio.to_thread(at, here, two.sites[1])
    async with contextlib.AsyncExitStack() as sockets:
        for _ in range(MOST_SOCKETS // 2):
            for visitor in (here, there):
                await sockets.enter_async_context(visitor.socket())
        assert await refused(here)
        assert await refused(there)
        await asyncio.to_thread(two.redis.begin, "unreachable")
        await asyncio.to_thread(wait_until, lambda: away(two) == 2, 10, "word of Redis's absence")
        for visitor in (here, there):
            for _ in range(MOST_SOCKETS // 2):
                await sockets.enter_async_context(visitor.socket())
            assert await refused(visitor)


async def refused(visitor: Visitor) -> bool:
    """Tell whether the site takes no more sockets of a visitor."""
    async with visitor.connect() as connection:
        with contextlib.suppress(websockets.ConnectionClosed):
            if json.loads(await connection.recv())["type"] == "hello":
                return False
            await connection.recv()
        return connection.close_code == TOO_MANY
