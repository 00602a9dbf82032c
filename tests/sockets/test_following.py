"""A reply belongs to the site, not to a socket: it can be left, found again, and watched by several."""

import asyncio

import pytest

from tests.running import DemoWorker


async def test_a_page_that_reloads_in_mid_reply_goes_on_where_it_is(visitor, model):
    async with visitor.socket() as page:
        accepted = await page.ask("count to 120", model)
        await page.until_text(accepted["reply"], 40)
    await asyncio.sleep(0.2)
    async with visitor.socket() as again:
        await again.send("open", conversation=accepted["conversation"])
        reply = await again.until_ended(accepted["reply"])
    assert reply["state"] == "complete"
    assert again.gaps == 0
    assert "119, 120" in reply["text"]


async def test_a_page_that_lost_its_socket_gets_only_what_it_lacks(visitor, model):
    async with visitor.socket() as page:
        accepted = await page.ask("count to 120", model)
        held = dict(await page.until_text(accepted["reply"], 40))
    async with visitor.socket() as again:
        again.messages = page.messages
        have = [{"message": accepted["reply"], "epoch": held["epoch"], "offset": len(held["text"])}]
        await again.send("open", conversation=accepted["conversation"], have=have)
        frame = await again.expect("conversation")
        reply = await again.until_ended(accepted["reply"])
    sent = next(info for info in frame["messages"] if info["id"] == accepted["reply"])
    assert sent["offset"] == len(held["text"])
    assert again.gaps == 0
    assert reply["text"].startswith(held["text"])


async def test_two_tabs_show_the_same(visitor, model):
    async with visitor.socket() as first, visitor.socket() as second:
        begun = await first.ask("hello", model)
        await first.until_ended(begun["reply"])
        await second.send("open", conversation=begun["conversation"])
        await second.expect("conversation")
        accepted = await first.ask("count to 60", model, conversation=begun["conversation"])
        one, two = await asyncio.gather(
            first.until_ended(accepted["reply"]), second.until_ended(accepted["reply"])
        )
    assert one["text"] == two["text"]
    assert second.messages[accepted["message"]]["text"] == "count to 60"


async def test_a_vote_in_one_tab_shows_in_the_other(visitor, model):
    async with visitor.socket() as page:
        accepted = await page.ask("hello", model)
        await page.until_ended(accepted["reply"])
        answer = await asyncio.to_thread(
            visitor.post,
            f"/feedback/{accepted['reply']}/vote/",
            json={"value": "up", "reasons": [], "comment": ""},
        )
        assert answer.json()["vote"] == "up"
        frame = await page.expect("feedback")
        assert (frame["message"], frame["vote"]) == (accepted["reply"], "up")
        await page.send("open", conversation=accepted["conversation"])
        await page.expect("conversation")
    assert page.messages[accepted["reply"]]["vote"] == "up"


async def test_another_title_is_told_to_all_pages_of_the_conversation(visitor, model):
    async with visitor.socket() as page, visitor.socket() as other:
        accepted = await page.ask("hello", model)
        await page.until_ended(accepted["reply"])
        await other.send("open", conversation=accepted["conversation"])
        await other.expect("conversation")
        path = f"/c/{accepted['conversation']}/title/"
        answer = await asyncio.to_thread(visitor.post, path, json={"title": "A better name"})
        assert answer.json() == {"title": "A better name"}
        for tab in (page, other):
            assert (await tab.expect("titled"))["title"] == "A better name"
        await page.send("open", conversation=accepted["conversation"])
        assert (await page.expect("conversation"))["title"] == "A better name"


async def test_a_message_that_is_changed_is_told_to_all_pages_with_what_stands_beside_it(visitor, model):
    async with visitor.socket() as page, visitor.socket() as other:
        first = await page.ask("hello", model)
        await page.until_ended(first["reply"])
        await other.send("open", conversation=first["conversation"])
        await other.expect("conversation")
        second = await page.ask("hi", model, conversation=first["conversation"], edits=first["message"])
        for tab in (page, other):
            await tab.until_ended(second["reply"])
            assert tab.messages[second["message"]]["siblings"] == [first["message"], second["message"]]
            assert tab.messages[second["message"]]["parent"] is None


@pytest.fixture
def slow_model(site, worker):
    """A model that is slower than the pace of frames, so that each of its frames is shown."""
    slow = DemoWorker(site, "--rate", "12", "--allow-fault-requests", name="llava-v1.5-slow")
    yield slow.wait()
    slow.stop()


async def test_text_that_the_worker_takes_back_is_replaced(visitor, slow_model):
    async with visitor.socket() as page:
        accepted = await page.ask("count to 12 [[fault:shrink@8]]", slow_model)
        reply = await page.until_ended(accepted["reply"])
        await page.send("open", conversation=accepted["conversation"])
        stored = await page.expect("conversation")
    assert [frame for frame in page.frames if frame["type"] == "replace"]
    assert reply["epoch"] >= 1
    assert reply["text"] == next(
        info["text"] for info in stored["messages"] if info["id"] == accepted["reply"]
    )
