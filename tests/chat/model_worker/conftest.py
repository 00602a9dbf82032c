import asyncio
import contextlib
import json
import threading

import aiohttp
import pytest
from aiohttp import web

from chat.model_worker.answering import ModelAnswers
from chat.model_worker.decoding import Decoding
from chat.model_worker.replies import Reply
from chat.serving.server import WorkerServer

WAIT = 30


class ScriptedModel:
    """A model without a network: it generates what a test says, one token when the test lets it."""

    def __init__(self):
        self.text = "Guten Tag, 猫!"
        self.cut = False
        self.failure = None
        self.steps = None  # a semaphore lets it write token by token
        self.begun = threading.Semaphore(0)
        self.stopped = 0
        self.asked = []

    def decoding(self):
        return Decoding(lambda tokens: bytes(tokens).decode(errors="replace"), ())

    def prepare(self, request):
        self.asked.append(request)
        return len(request.prompt)

    def generate(self, inputs, request, tell, stop):
        self.begun.release()
        if self.failure:
            raise self.failure
        written = 0
        for token in self.text.encode():
            if self.steps:
                while not self.steps.acquire(timeout=0.01):
                    if stop.is_set():
                        break
            if stop.is_set():
                self.stopped += 1
                break
            tell(token)
            written += 1
        return Reply(inputs, written, self.cut)

    async def has_begun(self):
        assert await asyncio.to_thread(self.begun.acquire, timeout=WAIT)


class Client:
    """What a gateway asks of the worker."""

    def __init__(self, address, server):
        self.address = address
        self.server = server
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT))

    def post(self, **fields):
        return self.session.post(self.address + "/worker_generate_stream", json={**BODY, **fields})

    async def frames(self, **fields):
        async with self.post(**fields) as response:
            body = await response.read()
        assert body.endswith(b"\0")
        return [json.loads(frame) for frame in body.split(b"\0")[:-1]]

    async def queue(self, length):
        for _ in range(WAIT * 100):
            if (now := self.server.status()["queue_length"]) == length:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"the queue has {now} requests, not {length}")


BODY = {
    "model": "m",
    "prompt": [{"role": "system", "content": ""}, {"role": "user", "content": "Hi", "image": []}],
    "temperature": 0.2,
    "top_p": 0.7,
    "max_new_tokens": 100,
    "max_input_tiles": 12,
    "repetition_penalty": 1.1,
}


@contextlib.asynccontextmanager
async def serving(model, at_once):
    answers = ModelAnswers(model, at_once)
    server = WorkerServer("m", at_once, answers.answer, asyncio.Event())
    runner = web.AppRunner(
        server.application(), handler_cancellation=True, access_log=None, shutdown_timeout=1
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = Client(f"http://127.0.0.1:{runner.addresses[0][1]}", server)
    yield client
    await client.session.close()
    await runner.cleanup()
    answers.close()


@pytest.fixture
def model():
    return ScriptedModel()


@pytest.fixture
async def client(model):
    async with serving(model, 2) as client:
        yield client
