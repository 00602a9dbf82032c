import asyncio
import contextlib
import json

import pytest
from aiohttp import web

from chat.demo.registration import Registration

ADDRESS = "http://127.0.0.1:5/base"


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


def status():
    return {"model_names": ["mmchat-demo"], "speed": 1, "queue_length": 2}


@contextlib.asynccontextmanager
async def registered(controller, heartbeat_seconds=3600.0):
    """Keep a worker registered; give the event that makes its heartbeat due."""
    due = asyncio.Event()
    registration = Registration(controller.address, ADDRESS, status, due, heartbeat_seconds)
    task = asyncio.create_task(registration.run())
    yield due
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_registers_with_the_bodies_that_llavas_workers_send(controller):
    async with registered(controller) as due:
        assert await controller.call() == (
            "/workers/a-secret/register_worker",
            {"worker_name": ADDRESS, "check_heart_beat": True, "worker_status": status()},
        )
        due.set()
        assert await controller.call() == (
            "/workers/a-secret/receive_heart_beat",
            {"worker_name": ADDRESS, "queue_length": 2},
        )


async def test_it_beats_by_itself(controller):
    async with registered(controller, heartbeat_seconds=0.01):
        paths = [(await controller.call())[0] for _ in range(4)]
    assert [path.rpartition("/")[2] for path in paths] == ["register_worker"] + ["receive_heart_beat"] * 3


async def test_it_registers_again_when_the_controller_does_not_know_it(controller):
    async with registered(controller) as due:
        await controller.call()
        controller.exist = False
        due.set()
        assert (await controller.call())[0].endswith("/receive_heart_beat")
        assert (await controller.call())[0].endswith("/register_worker")
        await controller.no_call_is_waiting()


async def test_it_tries_until_the_controller_takes_it_and_says_why_not(controller, caplog):
    controller.register_answers = [
        web.Response(status=503, text="starting"),
        web.json_response({"error": {"code": "bad_body", "text": "no room"}}, status=400),
    ]
    async with registered(controller) as due:
        for _ in range(3):
            assert (await controller.call())[0].endswith("/register_worker")
        due.set()
        assert (await controller.call())[0].endswith("/receive_heart_beat")
    assert "starting" in caplog.text
    assert "no room" in caplog.text
    assert "a-secret" not in caplog.text


async def test_replies_that_begin_and_end_together_make_one_heartbeat(controller):
    async with registered(controller) as due:
        await controller.call()
        for _ in range(20):
            due.set()
            await asyncio.sleep(0.001)
        assert (await controller.call())[0].endswith("/receive_heart_beat")
        await controller.no_call_is_waiting()


async def test_a_process_that_starts_before_its_controller_registers_where_it_listens(
    controller, start_worker, unused_tcp_port
):
    demo = await asyncio.to_thread(
        start_worker,
        "--controller-address",
        f"http://127.0.0.1:{unused_tcp_port}/workers/x",
        "--model-name",
        "m",
    )
    application = web.Application()
    application.router.add_post("/{path:.*}", controller.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    path, body = await controller.call()
    assert path == "/workers/x/register_worker"
    assert body["worker_name"] == demo.address
    assert body["worker_status"] == {"model_names": ["m"], "speed": 1, "queue_length": 0}
    await asyncio.to_thread(demo.end)
    await runner.cleanup()


async def test_a_process_beats_when_a_reply_begins_and_when_it_ends(controller, start_worker):
    demo = await asyncio.to_thread(
        start_worker, "--controller-address", controller.address + "/", "--allow-fault-requests"
    )
    assert (await controller.call())[0] == "/workers/a-secret/register_worker"
    response = await asyncio.to_thread(demo.post, prompt="USER: [[fault:hang]] ASSISTANT:")
    assert (await controller.call())[1] == {"worker_name": demo.address, "queue_length": 1}
    response.close()
    assert (await controller.call())[1] == {"worker_name": demo.address, "queue_length": 0}
    await asyncio.to_thread(demo.end)


async def test_a_garbled_answer_to_a_heartbeat_changes_nothing(controller, caplog):
    async with registered(controller) as due:
        await controller.call()
        controller.exist = json.loads('"maybe"')
        due.set()
        assert (await controller.call())[0].endswith("/receive_heart_beat")
        due.set()
        assert (await controller.call())[0].endswith("/receive_heart_beat")
