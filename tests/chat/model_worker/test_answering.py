import asyncio
import json
import threading

import pytest

from chat.model_worker.replies import ContextFull, OutOfMemory
from chat.serving.messages import BadRequest
from tests.chat.model_worker.conftest import BODY


async def test_frames_hold_the_whole_reply_so_far_and_the_last_one_how_it_ended(model, client):
    *frames, last = await client.frames()
    texts = [frame["text"] for frame in frames]
    assert all(model.text.startswith(text) for text in texts)
    assert texts == sorted(texts, key=len)
    assert {frame["error_code"] for frame in frames} <= {0}
    assert last == {
        "text": model.text,
        "error_code": 0,
        "usage": {"prompt_tokens": 2, "completion_tokens": 15, "total_tokens": 17},
        "finish_reason": "stop",
    }


async def test_each_token_is_sent_when_it_is_there(model, client):
    model.steps = threading.Semaphore(0)
    async with client.post() as response:
        for number in range(1, 6):
            model.steps.release()
            frame = json.loads((await response.content.readuntil(b"\0"))[:-1])
            assert frame == {"text": model.text[:number], "error_code": 0}


async def test_a_reply_that_reached_its_limit_says_so(model, client):
    model.cut = True
    assert (await client.frames())[-1]["finish_reason"] == "length"


async def test_the_request_reaches_the_model_as_it_was_sent(model, client):
    await client.frames(temperature=0.5, max_new_tokens=7, max_input_tiles=3)
    (asked,) = model.asked
    assert (asked.temperature, asked.top_p, asked.repetition_penalty) == (0.5, 0.7, 1.1)
    assert (asked.tokens, asked.tiles) == (7, 3)
    assert [message.content for message in asked.prompt] == ["", "Hi"]


@pytest.mark.parametrize(
    ("failure", "code", "reason"),
    [
        (ContextFull("9 tokens are too many."), 40303, "9 tokens are too many."),
        (BadRequest("Not this."), 40001, "Not this."),
        (OutOfMemory("CUDA out of memory"), 50002, "CUDA out of memory"),
        (RuntimeError("a kernel broke"), 50001, "RuntimeError: a kernel broke"),
    ],
)
async def test_a_failure_is_one_frame_with_its_code_and_reason(model, client, failure, code, reason):
    model.failure = failure
    assert await client.frames() == [{"text": reason, "error_code": code}]
    model.failure = None
    assert (await client.frames())[-1]["error_code"] == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"prompt": "USER: Hi ASSISTANT:"}, "internvl2"),
        ({"prompt": []}, "length >= 2"),
        ({"prompt": [*BODY["prompt"], {"role": "user", "content": "again"}]}, "in turn"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"max_new_tokens": "many"}, "max_new_tokens"),
    ],
)
async def test_a_request_that_can_not_be_read_is_refused_with_what_is_wrong(client, fields, reason):
    (frame,) = await client.frames(**fields)
    assert frame["error_code"] == 40001
    assert reason in frame["text"]


async def test_the_model_stops_when_the_client_goes_and_only_then_is_its_place_free(model, client):
    model.steps = threading.Semaphore(0)
    responses = [await client.post(), await client.post()]
    waiting = asyncio.create_task(client.frames())
    await model.has_begun()
    await model.has_begun()
    await client.queue(3)
    assert model.stopped == 0
    responses[0].close()
    await model.has_begun()  # the one that waited
    assert model.stopped == 1
    await client.queue(2)
    for _ in range(100):
        model.steps.release()
    assert (await waiting)[-1]["text"] == model.text
    responses[1].close()
    await client.queue(0)


async def test_a_client_that_goes_while_it_waits_is_never_asked_of_the_model(model, client):
    model.steps = threading.Semaphore(0)
    responses = [await client.post(), await client.post()]
    await model.has_begun()
    await model.has_begun()
    waiting = asyncio.create_task(client.frames())
    await client.queue(3)
    waiting.cancel()
    await client.queue(2)
    for response in responses:
        response.close()
    await client.queue(0)
    assert len(model.asked) == 2


async def test_a_client_that_reads_slowly_gets_the_newest_text_and_not_each_one(model, client):
    model.text = "a" * 20_000
    async with client.post() as response:
        await model.has_begun()
        await asyncio.sleep(0.5)
        body = await response.read()
    frames = body.split(b"\0")[:-1]
    assert json.loads(frames[-1])["text"] == model.text
    # All of its frames together would be 200 MB.
    assert len(body) < 100_000_000
