"""A reply can run for half an hour, and its error be kept for longer; what was sent and read must not be."""

import asyncio
import tracemalloc

import aiohttp.web
import pytest

from chat.workers.decoders import MAX_FRAME
from chat.workers.errors import WorkerOversized
from chat.workers.protocols import PROTOCOLS, GenerationRequest
from chat.workers.stream import make_session, stream_reply

PICTURE_BYTES = 8_000_000


@pytest.fixture
def end():
    return asyncio.Event()


@pytest.fixture
async def address(end):
    """A worker that throws the request away, sends one frame, and goes on until `end`."""

    async def generate(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        async for _ in request.content.iter_chunked(65_536):
            pass
        response = aiohttp.web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"text": "prompt yes", "error_code": 0}\0')
        await end.wait()
        return response

    app = aiohttp.web.Application(client_max_size=2**30)
    app.router.add_post("/worker_generate_stream", generate)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_pictures_are_let_go_once_they_are_sent(address, end):
    shown = asyncio.Event()
    tracemalloc.start()
    try:
        async with make_session() as session:
            task = asyncio.create_task(
                stream_reply(
                    session,
                    address,
                    PROTOCOLS["llava"],
                    GenerationRequest(model="m", prompt="prompt ", images=[b"x" * PICTURE_BYTES]),
                    lambda chunk: shown.set(),
                )
            )
            await shown.wait()
            held, most = tracemalloc.get_traced_memory()
            end.set()
            await task
    finally:
        tracemalloc.stop()
    assert most > 2 * PICTURE_BYTES, "picture and body were never in memory, so this test shows nothing"
    assert held < PICTURE_BYTES / 4


@pytest.fixture
async def endless_address():
    """A worker that sends a frame without an end."""

    async def generate(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        response = aiohttp.web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65_536)

    app = aiohttp.web.Application()
    app.router.add_post("/worker_generate_stream", generate)
    runner = aiohttp.web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_an_error_that_is_kept_does_not_keep_half_a_frame(endless_address):
    tracemalloc.start()
    try:
        async with make_session() as session:
            with pytest.raises(WorkerOversized) as kept:
                await stream_reply(
                    session,
                    endless_address,
                    PROTOCOLS["llava"],
                    GenerationRequest(model="m", prompt="prompt "),
                    lambda chunk: None,
                )
            held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept.value.__traceback__, "only with its traceback does the error hold anything"
    assert most > MAX_FRAME
    assert held < MAX_FRAME / 8
