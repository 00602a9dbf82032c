"""A long soak: visitors who stay, come and go, stop and are cut off, for as long as the setting says."""

import asyncio
import contextlib
import os
import random
import uuid

from chat.demo.showcase import asked_length
from tests.faults.conftest import LONG
from tests.faults.invariants import (
    Resources,
    assert_committed,
    assert_ended,
    assert_nothing_runs,
    assert_promises,
)
from tests.faults.loads import running, tell, visitors_of, warm_up
from tests.faults.proxy import FaultProxy
from tests.faults.tabs import Seen, Tab
from tests.running import Site, free_port
from tests.visitor import Visitor

SOAK_SECONDS = float(os.environ.get("MMCHAT_SOAK_SECONDS", "600" if LONG else "10"))
MESSAGES = 5  # in each conversation


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
