"""One line for the whole site: limits, turns and places hold over two processes on PostgreSQL and Redis."""

import asyncio
import contextlib
import copy
import os
import signal
from itertools import cycle

import pytest

from tests.faults.conftest import SECRET
from tests.faults.held import ENDED, held_workers, one_more
from tests.faults.invariants import assert_nothing_runs, assert_promises
from tests.faults.nodes import several_nodes
from tests.running import DemoWorker, free_port
from tests.visitor import Page, Visitor

ON_THE_SITE, ON_A_WORKER = 5, 3
AT_ONCE = 5.0  # seconds; what is free elsewhere is seen every half second


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    with several_nodes(
        tmp_path_factory.mktemp("fair"),
        2,
        rate=100,
        MMCHAT_CONCURRENCY_COUNT=str(ON_THE_SITE),
        MMCHAT_WORKER_CONCURRENCY=str(ON_A_WORKER),
        MMCHAT_LIMITS="off",
        MMCHAT_WORKER_SECRET=SECRET,
    ) as nodes:
        yield nodes


class Asked:
    """A message, the page that sent it, and what it was answered."""

    def __init__(self, page: Page, text: str, accepted: dict) -> None:
        self.page, self.text = page, text
        self.accepted, self.reply = accepted, accepted["reply"]

    @property
    def told(self) -> list[dict]:
        """What the page was told of its place in line."""
        return [
            each for each in self.page.frames if each["type"] == "queue" and each["message"] == self.reply
        ]

    async def until_place(self, position: int) -> dict:
        while not self.told or self.told[-1]["position"] != position:
            await self.page.expect("queue")
        return self.told[-1]


class Line:
    """Pages at both processes in turn, and what they ask of one model."""

    def __init__(self, nodes, model: str, sockets: contextlib.AsyncExitStack) -> None:
        self._nodes, self._model, self._sockets = nodes, model, sockets
        self._sites = cycle(nodes.sites)

    async def visitor(self) -> Visitor:
        return await asyncio.to_thread(Visitor, next(self._sites).url)

    async def ask(self, text: str, visitor: Visitor | None = None) -> Asked:
        page = await self._open(visitor or await self.visitor())
        accepted = await page.ask(text, self._model)
        assert accepted["type"] == "accepted", accepted
        return Asked(page, text, accepted)

    async def ask_often(self, number: int) -> list[Asked]:
        return [await self.ask(f"question {each}") for each in range(number)]

    async def another_tab(self, visitor: Visitor) -> tuple[Visitor, Page]:
        """Open a page of the same visitor at the other process."""
        there = copy.copy(visitor)
        [there.url] = [site.url for site in self._nodes.sites if site.url != visitor.url]
        return there, await self._open(there)

    async def _open(self, visitor: Visitor) -> Page:
        return await self._sockets.enter_async_context(visitor.socket())


@contextlib.asynccontextmanager
async def a_line(nodes, workers: int):
    async with held_workers(nodes.sites[0], workers) as held, contextlib.AsyncExitStack() as sockets:
        yield held, Line(nodes, held.model, sockets)


async def let_all_go(nodes, held, asked: list[Asked]) -> None:
    """Let every reply end, and hold the promises."""
    held.let_go(1000)
    for each in asked:
        assert (await each.page.until_ended(each.reply))["text"] == ENDED
        assert_promises(nodes.books, each.page, each.accepted)
    await asyncio.to_thread(assert_nothing_runs, nodes.books)


async def test_the_limits_of_the_site_and_of_each_worker_hold_over_both_processes(nodes):
    async with a_line(nodes, 2) as (held, line):
        asked = await line.ask_often(24)
        for ended in range(24):
            # As many as may run do, and one more comes for each that ends: no place stays empty.
            await held.until_running(min(ON_THE_SITE, 24 - ended))
            held.let_go()
        await let_all_go(nodes, held, asked)
    assert held.most_of_all == ON_THE_SITE
    assert max(held.most.values()) == ON_A_WORKER
    assert min(held.most.values()) >= ON_THE_SITE - ON_A_WORKER
    assert sorted(held.asked) == sorted(each.text for each in asked)


async def test_a_workers_own_limit_holds_over_both_processes(nodes):
    async with a_line(nodes, 1) as (held, line):
        asked = await line.ask_often(8)
        for each, place in zip(asked[ON_A_WORKER:], range(1, 6), strict=True):
            await each.until_place(place)
        assert held.running.total() == ON_A_WORKER
        for number in range(ON_A_WORKER, 8):
            held.let_go()
            await held.until_asked(number + 1)
        assert held.asked[ON_A_WORKER:] == [each.text for each in asked[ON_A_WORKER:]], (
            "the line was not kept"
        )
        await let_all_go(nodes, held, asked)
    assert held.most_of_all == ON_A_WORKER


async def test_ten_tabs_do_not_go_before_other_visitors_first_messages(nodes):
    async with a_line(nodes, 1) as (held, line):
        here = await line.visitor()
        there, _ = await line.another_tab(here)
        tabs = [await line.ask(f"tab {number}", (here, there)[number % 2]) for number in range(10)]
        await tabs[-1].until_place(10 - ON_A_WORKER)
        others = [await line.ask(f"other {number}") for number in range(3)]
        for place, other in enumerate(others, 1):
            await other.until_place(place)
        await tabs[-1].until_place(10)
        for number in range(3):
            held.let_go()
            await held.until_asked(ON_A_WORKER + number + 1)
        assert held.asked[ON_A_WORKER:] == [other.text for other in others]
        await let_all_go(nodes, held, [*tabs, *others])
    assert set(held.asked[-7:]) == {tab.text for tab in tabs[3:]}


async def test_place_and_wait_are_shown_and_move(nodes):
    async with a_line(nodes, 1) as (held, line):
        asked = await line.ask_often(ON_A_WORKER + 4)
        before, waiting = asked[:ON_A_WORKER], asked[ON_A_WORKER:]
        for place, each in enumerate(waiting, 1):
            await each.until_place(place)
        for ended in range(4):
            held.let_go()
            for place, each in enumerate(waiting[ended + 1 :], 1):
                await each.until_place(place)
        await let_all_go(nodes, held, [*before, *waiting])
    for place, each in enumerate(waiting, 1):
        positions = [frame["position"] for frame in each.told]
        assert list(dict.fromkeys(positions)) == list(range(place, 0, -1)), "it went back, or skipped a place"
        assert positions == sorted(positions, reverse=True)


async def test_the_wait_is_told_from_recent_replies_at_both_processes(nodes):
    async with a_line(nodes, 1) as (held, line):
        first = await line.ask("how long?")
        await held.until_running(1)
        await asyncio.sleep(1)  # what the reply takes is what is measured
        held.let_go()
        await first.page.until_ended(first.reply)
        asked = await line.ask_often(ON_A_WORKER + 4)
        last_two = asked[-2:]
        for place, each in zip((3, 4), last_two, strict=True):
            while (await each.until_place(place))["seconds"] is None:
                await each.page.expect("queue")
        [third, fourth] = [each.told[-1]["seconds"] for each in last_two]
        # On the whole two workers are known, with five places on the site: at most a few seconds, never none.
        assert 1 <= third <= fourth
        await let_all_go(nodes, held, asked)


async def test_leaving_the_line_frees_the_place(nodes):
    async with a_line(nodes, 1) as (held, line):
        before = await line.ask_often(ON_A_WORKER)
        await held.until_running(ON_A_WORKER)
        visitor = await line.visitor()
        leaves = await line.ask("never mind", visitor)
        behind = [await line.ask(f"behind {number}") for number in range(2)]
        await leaves.until_place(1)
        for place, each in zip((2, 3), behind, strict=True):
            await each.until_place(place)
        # From a tab at the other process, which does not run it.
        _, other = await line.another_tab(visitor)
        await other.send("open", conversation=leaves.accepted["conversation"])
        await other.expect("conversation")
        await other.send("stop", message=leaves.reply)
        assert (await leaves.page.until_ended(leaves.reply))["state"] == "stopped"
        for place, each in enumerate(behind, 1):
            await each.until_place(place)
        await let_all_go(nodes, held, [*before, *behind])
    assert leaves.text not in held.asked
    assert nodes.books.reply(leaves.reply)[:2] == ("stopped", "")


async def test_a_closed_tab_keeps_its_place_and_its_reply_runs(nodes):
    async with a_line(nodes, 1) as (held, line):
        before = await line.ask_often(ON_A_WORKER)
        await held.until_running(ON_A_WORKER)
        visitor = await line.visitor()
        closes = await line.ask("I come back later", visitor)
        behind = await line.ask("behind")
        await closes.until_place(1)
        await behind.until_place(2)
        await closes.page.connection.close()
        held.let_go()
        await held.until_asked(ON_A_WORKER + 1)
        assert held.asked[-1] == closes.text
        await let_all_go(nodes, held, [*before, behind])
        _, page = await line.another_tab(visitor)
        await page.send("open", conversation=closes.accepted["conversation"])
        await page.expect("conversation")
        assert (await page.until_ended(closes.reply))["text"] == ENDED
        assert_promises(nodes.books, page, closes.accepted)


async def test_a_worker_that_joins_drains_the_line_at_once(nodes):
    async with a_line(nodes, 1) as (held, line):
        asked = await line.ask_often(ON_THE_SITE + 3)
        await asked[-1].until_place(5)
        assert held.running.total() == ON_A_WORKER
        async with one_more(held, nodes.sites[1]) as address:
            await held.until_running(ON_THE_SITE, AT_ONCE)
            assert held.running[address] == ON_THE_SITE - ON_A_WORKER
            await let_all_go(nodes, held, asked)
    assert held.most_of_all == ON_THE_SITE


async def test_a_line_outlives_the_restart_of_its_models_only_worker(nodes):
    model, port = f"llava-restarts-{free_port()}", free_port()

    def start() -> DemoWorker:
        return DemoWorker(nodes.sites[0], "--rate", "50", "--port", str(port), name=model)

    worker = await asyncio.to_thread(start)
    try:
        await asyncio.to_thread(worker.wait)
        async with contextlib.AsyncExitStack() as sockets:
            line = Line(nodes, model, sockets)
            lost = [await line.ask("count to 2000") for _ in range(ON_A_WORKER)]
            for each in lost:
                await each.page.until_text(each.reply, 10)
            waiting = [await line.ask("count to 5") for _ in range(8)]
            await waiting[-1].until_place(8)
            os.kill(worker.process.pid, signal.SIGKILL)
            for each in lost:
                ended = await each.page.until_ended(each.reply)
                assert (ended["state"], ended["failure"]["code"]) == ("failed", "worker_broke_off")
                assert ended["text"]
                assert_promises(nodes.books, each.page, each.accepted)
            worker.stop()
            worker = await asyncio.to_thread(start)
            for each in waiting:
                assert (await each.page.until_ended(each.reply))["state"] == "complete"
                assert_promises(nodes.books, each.page, each.accepted)
        await asyncio.to_thread(assert_nothing_runs, nodes.books)
    finally:
        worker.stop()
