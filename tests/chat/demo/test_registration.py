import asyncio

from aiohttp import web

from tests.chat.serving.conftest import controller

__all__ = ["controller"]


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
