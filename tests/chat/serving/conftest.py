import asyncio

import pytest
from aiohttp import web


class Controller:
    """A controller that keeps what it is sent, and answers as a test wants."""

    def __init__(self):
        self.calls = asyncio.Queue()
        self.register_answers = []
        self.exist = True
        self.address = ""

    async def handle(self, request):
        body = await request.json()
        await self.calls.put((request.path, body))
        if request.path.endswith("/register_worker"):
            return self.register_answers.pop(0) if self.register_answers else web.json_response(None)
        return web.json_response({"exist": self.exist})

    async def call(self):
        """Give the next call."""
        return await asyncio.wait_for(self.calls.get(), 30)

    async def no_call_is_waiting(self):
        await asyncio.sleep(0)
        assert self.calls.empty()


@pytest.fixture
async def controller():
    one = Controller()
    application = web.Application()
    application.router.add_post("/{path:.*}", one.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.address = f"http://127.0.0.1:{runner.addresses[0][1]}/workers/a-secret"
    yield one
    await runner.cleanup()
