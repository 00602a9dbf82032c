import asyncio
import contextlib
import json

import pytest
from aiohttp import web

from chat.serving.registration import Registration

ADDRESS = "http://127.0.0.1:5/base"


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


async def test_a_garbled_answer_to_a_heartbeat_changes_nothing(controller, caplog):
    async with registered(controller) as due:
        await controller.call()
        controller.exist = json.loads('"maybe"')
        due.set()
        assert (await controller.call())[0].endswith("/receive_heart_beat")
        due.set()
        assert (await controller.call())[0].endswith("/receive_heart_beat")
