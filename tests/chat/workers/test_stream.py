"""A reply streams from a worker: the newest text, soon, and to the end."""

import asyncio
import json
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest

from chat.workers.protocols import PROTOCOLS, GenerationRequest
from chat.workers.stream import Timeouts

from .conftest import END, HEAD, PROMPT, REPLY, Texts, chunk, frame, recorded


@pytest.mark.parametrize(
    ("protocol", "name"),
    [("llava", "llava.bin"), ("internvl2", "internvl2.bin"), ("internvl2", "internvl2-raw-utf8.bin")],
)
async def test_a_recorded_reply_arrives_whole_over_http(stream, serve, protocol, name):
    texts = []
    body = recorded(name)

    async def script(server):
        await server.send(HEAD)
        for start in range(0, len(body), 7):
            await server.send(chunk(body[start : start + 7]))
        await server.send(END)

    server = await serve(script)
    request = GenerationRequest("m", PROMPT if protocol == "llava" else [])
    await stream(server.address, texts, protocol=PROTOCOLS[protocol], request=request, pace=0)

    assert texts[-1] == REPLY
    assert all(REPLY.startswith(text) for text in texts)


async def test_a_reply_cut_in_two_at_any_offset_is_the_same(stream, serve):
    body = recorded("internvl2-raw-utf8.bin")[-200:]
    body = body[body.index(b"\0") + 1 :]
    cuts = iter(range(1, len(body)))

    async def script(server):
        cut = next(cuts)
        await server.send(HEAD, chunk(body[:cut]))
        await asyncio.sleep(0)
        await server.send(chunk(body[cut:]), END)

    server = await serve(script)
    for _ in range(1, len(body)):
        texts = []
        await stream(server.address, texts, pace=0)
        assert texts[-1] == REPLY


async def test_the_request_is_one_plain_post_below_the_addresss_path(stream, serve):
    async def script(server):
        await server.send(HEAD, chunk(frame("a")), END)

    server = await serve(script)
    await stream(server.address + "/gpu/3/", [], request=GenerationRequest("m", [], temperature=0.25))

    head = server.head.decode().lower()
    assert head.startswith("post /gpu/3/worker_generate_stream http/1.1\r\n")
    assert "\r\ncontent-type: application/json\r\n" in head
    assert "\r\naccept-encoding: identity\r\n" in head
    assert "cookie" not in head
    assert json.loads(server.body)["temperature"] == 0.25


async def test_a_large_image_is_sent_whole(stream, serve):
    image = bytes(range(256)) * 20_000

    async def script(server):
        await server.send(HEAD, chunk(frame(PROMPT + "a")), END)

    server = await serve(script)
    request = GenerationRequest("m", PROMPT, images=[image])
    await stream(server.address, [], protocol=PROTOCOLS["llava"], request=request)

    assert json.loads(server.body)["images"] == [b64encode(image).decode()]


async def test_shrinking_text_arrives_as_the_shorter_text(stream, serve):
    texts = Texts()

    async def script(server):
        await server.send(HEAD)
        for each in recorded("llava-stop-cut.bin").split(b"\0")[:-1]:
            await server.send(chunk(each + b"\0"))
            text = json.loads(each)["text"].removeprefix(PROMPT)
            if text:
                await texts.ends_with(text)
        await server.send(END)

    server = await serve(script)
    request = GenerationRequest("m", PROMPT)
    await stream(server.address, texts, protocol=PROTOCOLS["llava"], request=request, pace=0)

    assert texts == [" Ja.", " Ja.<", " Ja.</s", " Ja."]


async def test_duplicate_frames_are_delivered_once(stream, serve):
    texts = []

    async def script(server):
        await server.send(HEAD)
        for _ in range(5):
            await server.frames("a")
            await asyncio.sleep(0.01)
        await server.send(END)

    await stream((await serve(script)).address, texts, pace=0)

    assert texts == ["a"]


async def test_stop_closes_the_connection_and_delivers_nothing_more(stream, serve):
    texts = Texts()

    async def script(server):
        await server.send(HEAD)
        await server.frames("a", "ab")
        await server.client_gone.wait()

    server = await serve(script)
    task = asyncio.create_task(stream(server.address, texts, pace=60))
    await texts.come()
    at_stop = list(texts)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await asyncio.wait_for(server.client_gone.wait(), 5)
    assert texts == at_stop


async def test_stop_before_any_answer_closes_the_connection_too(stream, serve):
    asked = asyncio.Event()

    async def script(server):
        asked.set()
        await server.client_gone.wait()

    server = await serve(script)
    task = asyncio.create_task(stream(server.address, []))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await asyncio.wait_for(server.client_gone.wait(), 5)


async def test_pictures_that_wait_for_a_thread_cost_the_worker_no_time(stream, serve):
    async def script(server):
        await server.send(HEAD, chunk(frame("a cat")), END)

    texts, leave = [], threading.Event()
    request = GenerationRequest("m", [], images=[b"picture"])
    with ThreadPoolExecutor(1) as busy:
        busy.submit(leave.wait, 20)
        asyncio.get_running_loop().call_later(1.5, leave.set)
        address = (await serve(script)).address
        await stream(address, texts, request=request, pictures=busy, timeouts=Timeouts(first_token=1))
    assert texts == ["a cat"]


async def test_stop_while_pictures_wait_for_a_thread_leaves_no_clock_behind(stream):
    wrong, leave = [], threading.Event()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
    request = GenerationRequest("m", [], images=[b"picture"])
    with ThreadPoolExecutor(1) as busy:
        busy.submit(leave.wait, 20)
        asking = stream(
            "http://127.0.0.1:9", [], request=request, pictures=busy, timeouts=Timeouts(first_token=0.05)
        )
        task = asyncio.create_task(asking)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        leave.set()
    await asyncio.sleep(0.1)
    assert wrong == []


async def test_no_connection_is_left_open_after_a_reply(session, stream, serve):
    async def script(server):
        await server.send(HEAD, chunk(frame("a")), END)
        await server.client_gone.wait()

    server = await serve(script)
    await stream(server.address, [])

    await asyncio.wait_for(server.client_gone.wait(), 5)
