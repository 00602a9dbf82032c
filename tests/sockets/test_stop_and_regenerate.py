"""Stop keeps what has arrived; Regenerate makes another variant and keeps the old one."""

import uuid


async def test_stop_ends_the_reply_and_keeps_its_text(site, visitor, model):
    async with visitor.socket() as page:
        accepted = await page.ask("count to 2000", model)
        await page.until_text(accepted["reply"], 20)
        await page.send("stop", message=accepted["reply"])
        reply = await page.until_ended(accepted["reply"])
    assert reply["state"] == "stopped"
    assert len(reply["text"]) >= 20
    [(text,)] = site.rows("SELECT text FROM chat_message WHERE id = ?", uuid.UUID(accepted["reply"]).hex)
    assert text == reply["text"]


async def test_stopping_twice_or_after_the_end_does_nothing(visitor, model):
    async with visitor.socket() as page:
        accepted = await page.ask("hello", model)
        before = await page.until_ended(accepted["reply"])
        await page.send("stop", message=accepted["reply"])
        await page.send("open", conversation=accepted["conversation"])
        await page.expect("conversation")
        assert page.messages[accepted["reply"]]["state"] == before["state"] == "complete"
    assert not [frame for frame in page.frames if frame["type"] == "error"]


async def test_regenerate_makes_a_variant_beside_the_old_reply(visitor, model):
    async with visitor.socket() as page:
        first = await page.ask("count to 4", model)
        old = await page.until_ended(first["reply"])
        await page.send("regenerate", client_id=str(uuid.uuid4()), message=first["reply"])
        accepted = await page.expect("accepted")
        new = await page.until_ended(accepted["reply"])
    assert accepted["message"] == first["message"]
    assert (old["variant"], new["variant"]) == (0, 1)
    assert old["parent"] == new["parent"] == first["message"]
    assert new["state"] == "complete"


async def test_the_next_message_follows_the_variant_that_is_named(visitor, model):
    async with visitor.socket() as page:
        first = await page.ask("hello", model)
        await page.until_ended(first["reply"])
        await page.send("regenerate", client_id=str(uuid.uuid4()), message=first["reply"])
        second = await page.expect("accepted")
        await page.until_ended(second["reply"])
        third = await page.ask("and?", model, conversation=first["conversation"], parent=first["reply"])
        await page.until_ended(third["reply"])
    assert page.messages[third["message"]]["parent"] == first["reply"]


async def test_a_second_question_while_a_reply_runs_is_refused_by_name(visitor, model):
    async with visitor.socket() as page:
        first = await page.ask("count to 500", model)
        error = await page.ask("and another", model, conversation=first["conversation"])
        assert (error["type"], error["code"], error["field"]) == ("error", "reply_running", "conversation")
        await page.send("stop", message=first["reply"])
        await page.until_ended(first["reply"])
