"""A process that ends leaves no reply running for ever, and no visitor without an answer."""

import asyncio
import signal
import uuid

import pytest

from tests.running import DemoWorker, Site, wait_until
from tests.visitor import Visitor


@pytest.fixture
def own_site(tmp_path):
    site = Site(tmp_path / "site").start()
    worker = DemoWorker(site, "--rate", "30")
    worker.wait()
    site.model = worker.name
    yield site
    worker.stop()
    site.remove()


ENDED = ("complete", "stopped", "failed", "interrupted")


def stored(site, reply):
    return site.rows("SELECT state, text, error_code FROM chat_message WHERE id = ?", uuid.UUID(reply).hex)[0]


async def test_replies_of_a_killed_process_are_interrupted_after_the_next_start(own_site):
    visitor = Visitor(own_site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 3000", own_site.model)
        seen = dict(await page.until_text(accepted["reply"], 100))
        await asyncio.sleep(1)
        await asyncio.to_thread(own_site.kill)
    assert stored(own_site, accepted["reply"])[0] == "streaming"
    await asyncio.to_thread(own_site.start)
    state, text, error = await asyncio.to_thread(
        wait_until, lambda: (row := stored(own_site, accepted["reply"]))[0] != "streaming" and row, 10
    )
    assert (state, error) == ("interrupted", "interrupted")
    assert text.startswith(seen["text"])
    async with visitor.socket() as page:
        await page.send("open", conversation=accepted["conversation"])
        await page.expect("conversation")
        assert page.messages[accepted["reply"]]["failure"]["retry"] is True
        await page.send("regenerate", client_id=str(uuid.uuid4()), message=accepted["reply"])
        again = await page.expect("accepted")
        await page.until_text(again["reply"])


async def test_a_tab_that_follows_a_reply_of_a_dead_process_sees_it_end(own_site):
    visitor = Visitor(own_site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 3000", own_site.model)
        await page.until_text(accepted["reply"], 50)
        await asyncio.to_thread(own_site.kill)
    await asyncio.to_thread(own_site.start)
    async with visitor.socket() as page:
        await page.send("open", conversation=accepted["conversation"])
        reply = await page.until_ended(accepted["reply"], 12)
    assert reply["state"] == "interrupted"
    assert reply["text"] == stored(own_site, accepted["reply"])[1]


async def test_a_reply_that_was_stored_and_never_asked_is_asked_by_its_process(own_site):
    visitor = Visitor(own_site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 20", own_site.model)
        whole = dict(await page.until_ended(accepted["reply"]))
    # As it is in the database at first, when the socket breaks off before anybody hears that it was stored.
    own_site.rows(
        "UPDATE chat_message SET state = 'streaming', text = '', first_answered = NULL, finished = NULL WHERE id = ?",
        uuid.UUID(accepted["reply"]).hex,
    )
    state, text, _ = await asyncio.to_thread(
        wait_until, lambda: (row := stored(own_site, accepted["reply"]))[0] in ENDED and row, 20
    )
    assert (state, text) == ("complete", whole["text"])


async def test_sigterm_lets_replies_end_and_then_closes_sockets_for_a_restart(own_site):
    visitor = Visitor(own_site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 60", own_site.model)
        await page.until_text(accepted["reply"], 20)
        own_site.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        ready = await asyncio.to_thread(visitor.http.get, f"{own_site.url}/readyz")
        assert ready.status_code == 503
        reply = await page.until_ended(accepted["reply"])
        assert await page.until_closed() == 1012
    assert reply["state"] == "complete"
    assert await asyncio.to_thread(own_site.process.wait, 10) == 0


async def test_a_second_ctrl_c_does_not_wait_for_replies(own_site):
    visitor = Visitor(own_site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 5000", own_site.model)
        await page.until_text(accepted["reply"], 20)
        own_site.process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.5)
        own_site.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(own_site.process.wait, 15) == 0
    assert stored(own_site, accepted["reply"])[0] in ("interrupted", "streaming")
