"""A process is killed with -9 at random moments: replies are interrupted, and lose half a second of text at most."""

import asyncio
import contextlib
import random
import time
import uuid
from dataclasses import dataclass, field

import pytest
import websockets

from chat.demo.showcase import asked_length
from tests.faults.conftest import LONG
from tests.faults.invariants import Books, assert_committed, assert_nothing_leaks, assert_nothing_runs
from tests.faults.nodes import several_nodes
from tests.running import DemoWorker, Site, wait_until
from tests.visitor import Page, Visitor

STREAMS = 10
WAITING = 2
KILLS = 100 if LONG else 10
KILLS_OF_TWO = 100 if LONG else 2
QUESTION, SHORT_QUESTION = "count to 2000", "count to 5"
TEXT = asked_length(QUESTION)
RATE = 20  # tokens a second, slow enough that they tell time
MOST_LOST = 10  # tokens: half a second
INTERRUPTED_WITHIN = (
    10.0  # seconds from the moment at which the site answers again, or from the kill of one of two
)
SETTINGS = {
    "MMCHAT_CONCURRENCY_COUNT": str(STREAMS),
    "MMCHAT_WORKER_CONCURRENCY": str(STREAMS),
    "MMCHAT_LIMITS": "off",
}


@dataclass
class Round:
    """What one process was doing when it was killed, as its visitor's pages saw it."""

    pages: list[Page] = field(default_factory=list)
    streaming: list[dict] = field(default_factory=list)  # `accepted` frames
    waiting: list[dict] = field(default_factory=list)
    cut_off: str = ""  # the client id of a message that was under way

    def held(self, accepted: dict) -> str:
        """Give the text that a page held of a reply."""
        page = next(page for page in self.pages if accepted["reply"] in page.messages)
        return page.messages[accepted["reply"]]["text"]


async def read_to_the_end(page: Page) -> None:
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            await page.receive(60)


async def kill_at_work(site: Site, model: str, visitor: Visitor) -> Round:
    """Let a process stream to some, let others wait, and kill it while one more message arrives."""
    seen = Round(cut_off=str(uuid.uuid4()))
    async with contextlib.AsyncExitStack() as sockets:
        for number in range(STREAMS + WAITING + 1):
            page = await sockets.enter_async_context(visitor.socket(origin=visitor.url))
            seen.pages.append(page)
            if number < STREAMS:
                seen.streaming.append(await page.ask(QUESTION, model))
            elif number < STREAMS + WAITING:
                seen.waiting.append(await page.ask(SHORT_QUESTION, model))
        for page, accepted in zip(seen.pages, seen.streaming, strict=False):
            await page.until_text(accepted["reply"])
        reading = [asyncio.create_task(read_to_the_end(page)) for page in seen.pages[:-1]]
        await asyncio.sleep(random.uniform(0, 2))
        await seen.pages[-1].send("send", client_id=seen.cut_off, model=model, text=SHORT_QUESTION)
        await asyncio.sleep(random.uniform(0, 0.03))
        site.process.kill()
        await asyncio.gather(*reading)
    await asyncio.to_thread(site.process.wait)
    return seen


def assert_interrupted(books: Books, seen: Round, seconds: float) -> None:
    """All replies that streamed are interrupted in time, and short of at most half a second."""
    wait_until(
        lambda: all(books.reply(each["reply"]).state != "streaming" for each in seen.streaming),
        seconds,
        "the end of all replies that streamed",
    )
    lost = []
    for accepted in seen.streaming:
        stored, held = books.reply(accepted["reply"]), seen.held(accepted)
        assert (stored.state, stored.error_code) == ("interrupted", "interrupted")
        assert TEXT.startswith(stored.text)
        assert TEXT.startswith(held)
        assert_committed(books, accepted)
        lost.append(len(held.split()) - len(stored.text.split()))
    assert max(lost) <= MOST_LOST, f"tokens lost: {lost}"


async def assert_goes_on(books: Books, seen: Round, model: str, visitor: Visitor) -> None:
    """Waiting replies are answered, interrupted ones can be asked again, and the message cut off comes once."""
    waited = [
        asyncio.to_thread(wait_until, lambda each=each: books.reply(each["reply"]).state == "complete", 30)
        for each in seen.waiting
    ]
    async with visitor.socket(origin=visitor.url) as page:
        again = await page.ask(SHORT_QUESTION, model, client_id=seen.cut_off)
        assert again["type"] == "accepted", again
        await page.until_ended(again["reply"])
        interrupted = seen.streaming[0]
        await page.send("open", conversation=interrupted["conversation"])
        await page.expect("conversation")
        held = page.messages[interrupted["reply"]]
        assert held["text"] == books.reply(interrupted["reply"]).text
        assert held["failure"]["retry"] is True
        await page.send("regenerate", client_id=str(uuid.uuid4()), message=interrupted["reply"])
        variant = await page.expect("accepted")
        await page.until_text(variant["reply"], 10)
        await page.send("stop", message=variant["reply"])
        assert (await page.until_ended(variant["reply"]))["state"] == "stopped"
        await asyncio.gather(*waited)
        assert_nothing_leaks(page)
    for accepted in seen.waiting:
        assert books.reply(accepted["reply"]).text == asked_length(SHORT_QUESTION)
        assert_committed(books, accepted)
    assert books.count(seen.cut_off) == 1
    await asyncio.to_thread(assert_nothing_runs, books)


@pytest.fixture
def alone(tmp_path):
    """A site of one process on SQLite, and its model."""
    site = Site(tmp_path / "site", environment=SETTINGS).start()
    worker = DemoWorker(site, "--rate", str(RATE), "--limit-model-concurrency", str(2 * STREAMS))
    yield site, worker.wait()
    worker.stop()
    site.remove()


async def test_a_process_killed_at_random_moments_loses_half_a_second_at_most(alone):
    site, model = alone
    visitor, books = await asyncio.to_thread(Visitor, site.url), Books(site)
    for _ in range(KILLS):
        seen = await kill_at_work(site, model, visitor)
        await asyncio.to_thread(site.start)
        await asyncio.to_thread(assert_interrupted, books, seen, INTERRUPTED_WITHIN)
        await assert_goes_on(books, seen, model, visitor)


async def test_the_other_process_takes_over_from_one_killed_at_random_moments(tmp_path):
    with contextlib.ExitStack() as stack:
        nodes = await asyncio.to_thread(stack.enter_context, several_nodes(tmp_path, 2, RATE, **SETTINGS))
        visitors = [await asyncio.to_thread(Visitor, site.url) for site in nodes.sites]
        visitors[1].http.cookies = visitors[0].http.cookies
        for number in range(KILLS_OF_TWO):
            dying, other = number % 2, 1 - number % 2
            seen = await kill_at_work(nodes.sites[dying], nodes.model, visitors[dying])
            killed = time.monotonic()
            async with visitors[other].socket(origin=visitors[other].url) as page:
                watched = seen.streaming[1]
                await page.send("open", conversation=watched["conversation"])
                await page.expect("conversation")
                shown = await page.until_ended(watched["reply"], INTERRUPTED_WITHIN)
                assert shown["state"] == "interrupted"
            left = INTERRUPTED_WITHIN - (time.monotonic() - killed)
            await asyncio.to_thread(assert_interrupted, nodes.books, seen, left)
            assert shown["text"] == nodes.books.reply(watched["reply"]).text
            await assert_goes_on(nodes.books, seen, nodes.model, visitors[other])
            await asyncio.to_thread(nodes.sites[dying].start)
