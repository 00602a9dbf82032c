"""Workers in the test's own loop that begin each reply at once and end it when they are told to."""

import asyncio
import contextlib
import json
from collections import Counter
from functools import partial

from aiohttp import web

from chat.demo.turns import read_turns
from tests.faults.conftest import register
from tests.running import Site, free_port

BEGUN, ENDED = "It begins", "It begins and it ends."


class Held:
    """All workers of a test's model, and what they are doing.

    A reply counts until just before its end is written, and the site can't know of its end before: more at once than
    the site's limits allow are the site's.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self.asked: list[str] = []  # questions, in the order in which they came
        self.running: Counter[str] = Counter()  # by address
        self.most: Counter[str] = Counter()
        self.most_of_all = 0
        self._let_go = asyncio.Semaphore(0)
        self._changed = asyncio.Condition()

    def let_go(self, replies: int = 1) -> None:
        """Let so many replies end, those now running first."""
        for _ in range(replies):
            self._let_go.release()

    async def until_running(self, replies: int, seconds: float = 20) -> None:
        await self._until(lambda: self.running.total() == replies, seconds)

    async def until_asked(self, times: int, seconds: float = 20) -> None:
        await self._until(lambda: len(self.asked) >= times, seconds)

    async def _until(self, condition, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"asked {self.asked}, running {self.running}") from None

    async def answer(self, address: str, request: web.Request) -> web.StreamResponse:
        prompt = (await request.json())["prompt"]
        async with self._changed:
            self.asked.append(read_turns(prompt)[-1].question)
            self.running[address] += 1
            self.most[address] = max(self.most[address], self.running[address])
            self.most_of_all = max(self.most_of_all, self.running.total())
            self._changed.notify_all()
        response = web.StreamResponse()
        try:
            await response.prepare(request)
            await response.write(_frame(prompt + BEGUN))
            await self._let_go.acquire()
        finally:
            self.running[address] -= 1
        async with self._changed:
            self._changed.notify_all()
        await response.write(_frame(prompt + ENDED))
        return response


def _frame(text: str) -> bytes:
    return json.dumps({"text": text, "error_code": 0}).encode() + b"\0"


@contextlib.asynccontextmanager
async def held_workers(site: Site, number: int):
    """Run workers of a model of their own, registered with a site's controller."""
    held = Held(f"llava-held-{free_port()}")
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(number):
            await stack.enter_async_context(one_more(held, site))
        yield held


@contextlib.asynccontextmanager
async def one_more(held: Held, site: Site):
    """Run one more worker of the same model."""
    application = web.Application(client_max_size=2**26)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=1)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    application.router.add_post("/worker_generate_stream", partial(held.answer, address))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.to_thread(register, site, address, held.model)
        yield address
    finally:
        await runner.cleanup()
