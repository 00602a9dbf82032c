"""Continue lets a model go on where its reply broke off, as one more variant of it."""

import asyncio
import uuid

import pytest

from chat.demo.showcase import asked_length
from tests.running import DemoWorker

COUNT = "count to 60"


async def broken_off(page, model, question=COUNT):
    """Ask, stop in the middle, and give the `accepted` frame and the reply as the page holds it."""
    accepted = await page.ask(question, model)
    await page.until_text(accepted["reply"], 10)
    await page.send("stop", message=accepted["reply"])
    return accepted, dict(await page.until_ended(accepted["reply"]))


async def go_on(page, reply, client_id=None):
    """Continue a reply; give the `accepted` frame, or the `error`."""
    client_id = client_id or str(uuid.uuid4())
    await page.send("continue", client_id=client_id, message=reply)
    while True:
        frame = await page.receive()
        if frame["type"] in ("accepted", "error") and frame["client_id"] == client_id:
            return frame


async def test_the_rest_grows_behind_what_there_was(site, visitor, model):
    async with visitor.socket() as page:
        first, old = await broken_off(page, model)
        assert old["state"] == "stopped"
        assert old["continuable"] is True
        accepted = await go_on(page, first["reply"])
        new = await page.until_ended(accepted["reply"])
        added = [frame["message"] for frame in page.frames if frame["type"] == "message"]
        begun = next(message for message in added if message["id"] == accepted["reply"])
    assert begun["text"] == old["text"]
    assert begun["state"] in ("queued", "streaming")  # it starts at once where a worker is known
    assert (new["state"], new["text"], new["epoch"]) == ("complete", asked_length(COUNT), 0)
    assert (new["variant"], new["parent"]) == (1, first["message"])
    assert page.gaps == 0
    rows = site.rows(
        "SELECT text, state, continues_id FROM chat_message WHERE parent_id = ? ORDER BY variant",
        uuid.UUID(first["message"]).hex,
    )
    assert rows == [
        (old["text"], "stopped", None),
        (asked_length(COUNT), "complete", uuid.UUID(first["reply"]).hex),
    ]


async def test_the_next_message_has_the_whole_reply_behind_it(visitor, model):
    async with visitor.socket() as page:
        first, _ = await broken_off(page, model)
        accepted = await go_on(page, first["reply"])
        await page.until_ended(accepted["reply"])
        then = await page.ask("hello", model, conversation=first["conversation"], parent=accepted["reply"])
        assert (await page.until_ended(then["reply"]))["state"] == "complete"


async def test_what_a_worker_broke_off_is_continued(visitor, model):
    question = f"{COUNT} [[fault:reset@40]]"
    async with visitor.socket() as page:
        first = await page.ask(question, model)
        old = dict(await page.until_ended(first["reply"]))
        assert (old["state"], old["failure"]["code"]) == ("failed", "worker_broke_off")
        accepted = await go_on(page, first["reply"])
        # The fault comes after forty more tokens, of which there are less.
        new = await page.until_ended(accepted["reply"])
    assert new["text"].startswith(old["text"])
    assert new["text"] == asked_length(COUNT)


async def test_a_page_that_comes_later_sees_the_whole_text(visitor, model):
    async with visitor.socket() as page, visitor.socket() as other:
        first, old = await broken_off(page, model)
        accepted = await go_on(page, first["reply"])
        await page.until_text(accepted["reply"], len(old["text"]) + 5)
        await other.send("open", conversation=first["conversation"])
        assert (await other.until_ended(accepted["reply"]))["text"] == asked_length(COUNT)
    assert other.gaps == 0


async def test_ten_times_the_same_client_id_continues_once(site, visitor, model):
    async with visitor.socket() as page:
        first, _ = await broken_off(page, model)
    client_id = str(uuid.uuid4())
    pages = [visitor.socket() for _ in range(10)]
    opened = [await page.__aenter__() for page in pages]
    try:
        answers = await asyncio.gather(*(go_on(page, first["reply"], client_id) for page in opened))
    finally:
        for page in pages:
            await page.__aexit__(None, None, None)
    assert {answer["type"] for answer in answers} == {"accepted"}
    assert len({answer["reply"] for answer in answers}) == 1
    count = "SELECT count(*) FROM chat_message WHERE parent_id = ?"
    assert site.rows(count, uuid.UUID(first["message"]).hex) == [(2,)]


async def test_what_can_not_be_continued_is_refused_by_name(visitor, stranger, model):
    async with visitor.socket() as page:
        first, _ = await broken_off(page, model)
        whole = await page.ask("count to 3", model)
        await page.until_ended(whole["reply"])
        error = await go_on(page, whole["reply"])
        assert (error["code"], error["field"]) == ("reply_not_broken_off", "message")
        for unknown in (str(uuid.uuid4()), first["message"]):
            assert (await go_on(page, unknown))["code"] == "not_found"
        running = await go_on(page, first["reply"])
        assert (await go_on(page, first["reply"]))["code"] == "reply_running"
        await page.until_ended(running["reply"])
    async with stranger.socket() as page:
        assert (await go_on(page, first["reply"]))["code"] == "not_found"


@pytest.fixture(scope="module")
def message_model(site, worker):
    """A model whose workers take messages, not a prompt."""
    worker = DemoWorker(site, "--rate", "100", name="InternVL2-demo")
    yield worker.wait()
    worker.stop()


async def test_a_model_that_takes_messages_is_not_asked_to_go_on(visitor, message_model):
    async with visitor.socket() as page:
        first, old = await broken_off(page, message_model)
        assert (old["state"], old["continuable"]) == ("stopped", False)
        error = await go_on(page, first["reply"])
    assert (error["code"], error["field"]) == ("not_continuable", "message")
