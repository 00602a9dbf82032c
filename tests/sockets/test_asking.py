"""A visitor asks, the reply streams in from a worker over HTTP, and everything is stored."""

import uuid

from PIL import Image


async def test_a_reply_streams_in_and_the_database_holds_what_the_visitor_saw(site, visitor, model):
    async with visitor.socket() as page:
        accepted = await page.ask("count to 30", model)
        reply = await page.until_ended(accepted["reply"])
    assert reply["state"] == "complete"
    assert len([frame for frame in page.frames if frame["type"] == "delta"]) > 1
    assert page.gaps == 0
    [(text, state, worker)] = site.rows(
        "SELECT text, state, worker FROM chat_message WHERE id = ?", uuid.UUID(accepted["reply"]).hex
    )
    assert (text, state) == (reply["text"], "complete")
    assert worker.startswith("http://127.0.0.1:")


async def test_a_worker_sees_the_image_that_was_sent(visitor, model):
    picture = visitor.upload(Image.new("RGB", (320, 200), (200, 20, 20)))
    async with visitor.socket() as page:
        accepted = await page.ask("What colours and which size?", model, images=[picture["id"]])
        reply = await page.until_ended(accepted["reply"])
    assert "320" in reply["text"]
    assert "red" in reply["text"].lower()
    assert page.messages[accepted["message"]]["images"][0]["id"] == picture["id"]


async def test_the_next_turn_carries_the_conversation(visitor, model):
    async with visitor.socket() as page:
        first = await page.ask("hello", model)
        await page.until_ended(first["reply"])
        second = await page.ask("how many turns was that?", model, conversation=first["conversation"])
        await page.until_ended(second["reply"])
    assert second["conversation"] == first["conversation"]
    assert page.messages[second["message"]]["parent"] == first["reply"]


async def test_ten_sends_of_one_client_id_make_one_message_and_one_answer(site, visitor, model):
    client_id = str(uuid.uuid4())
    async with visitor.socket() as page:
        for _ in range(10):
            await page.send("send", client_id=client_id, model=model, text="count to 5")
        answers = [await page.expect("accepted") for _ in range(10)]
        await page.until_ended(answers[0]["reply"])
    assert all(answer == answers[0] for answer in answers)
    conversation = uuid.UUID(answers[0]["conversation"]).hex
    assert site.rows(
        "SELECT role FROM chat_message WHERE conversation_id = ? ORDER BY role", conversation
    ) == [
        ("assistant",),
        ("user",),
    ]


async def test_parameters_are_stored_with_the_reply(visitor, model):
    chosen = {
        "temperature": 0.3,
        "top_p": 1,
        "max_output_tokens": 64,
        "max_input_tiles": 6,
        "image_mode": "Pad",
    }
    async with visitor.socket() as page:
        accepted = await page.ask("hello", model, parameters=chosen)
        reply = await page.until_ended(accepted["reply"])
    assert reply["parameters"] == chosen


async def test_max_output_tokens_reaches_the_worker(visitor, model):
    async with visitor.socket() as page:
        accepted = await page.ask("count to 200", model, parameters={"max_output_tokens": 10})
        reply = await page.until_ended(accepted["reply"])
    assert 0 < len(reply["text"].split()) <= 10
