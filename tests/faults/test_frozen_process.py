"""A process that stood still so long that another took it for dead: suspended, swapped out, a paused machine."""

import asyncio
import signal

import pytest

from tests.faults.nodes import several_nodes
from tests.running import wait_until
from tests.visitor import Visitor


@pytest.fixture
def nodes(tmp_path):
    with several_nodes(tmp_path, 2, rate=10, MMCHAT_CONCURRENCY_COUNT="1") as nodes:
        yield nodes


async def test_what_others_took_over_meanwhile_is_followed_there_and_generated_no_more(nodes):
    frozen = nodes.sites[0]
    first, second = await asyncio.gather(*(asyncio.to_thread(Visitor, frozen.url) for _ in range(2)))
    async with first.socket() as page, second.socket() as next_page:
        running = (await page.ask("count to 400", nodes.model))["reply"]
        await page.until_text(running)
        waiting = (await next_page.ask("count to 20", nodes.model))["reply"]
        await next_page.expect("queue")
        frozen.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.to_thread(
                wait_until, lambda: nodes.books.reply(waiting).state == "complete", 30, "the other process"
            )
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        ended = await page.until_ended(running, 10)
        assert (ended["state"], ended["text"]) == ("interrupted", nodes.books.reply(running).text)
        ended = await next_page.until_ended(waiting, 10)
        assert (ended["state"], ended["text"]) == ("complete", nodes.books.reply(waiting).text)
