"""Run a worker until it is told to end."""

import asyncio
import os
import signal
import sys
from ipaddress import ip_address
from typing import Any

from aiohttp import web

from chat.serving.options import ServingOptions
from chat.serving.registration import Registration
from chat.serving.server import Answer, WorkerServer

_SHUTDOWN_SECONDS = 0.2
_PARENT_CHECK_SECONDS = 1.0


def check(options: ServingOptions) -> None:
    """End with one clear line where the options can't work."""
    if options.register and not options.controller_address:
        raise SystemExit("Name the controller with --controller-address, or run with --no-register.")


def serve(title: str, options: ServingOptions, answer: Answer, told: dict[str, Any] | None = None) -> None:
    """Listen and register until SIGTERM or Ctrl-C; the first line of output tells where it listens.

    `answer` and `told` are those of `WorkerServer`. Ends with one clear line where it can't listen.
    """
    asyncio.run(_serve(title, options, answer, told))


async def _serve(title: str, options: ServingOptions, answer: Answer, told: dict[str, Any] | None) -> None:
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    heartbeat_due = asyncio.Event()
    worker = WorkerServer(options.model_name, options.limit_model_concurrency, answer, heartbeat_due, told)
    runner = web.AppRunner(
        worker.application(), handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    try:
        address = await _listen(runner, options)
        sys.stdout.write(f"{title} for {options.model_name} at {address}\n")
        sys.stdout.flush()
        async with asyncio.TaskGroup() as tasks:
            background = []
            if options.exit_with_parent:
                background.append(tasks.create_task(_end_with_parent(end)))
            if options.register:
                registration = Registration(options.controller_address, address, worker.status, heartbeat_due)
                background.append(tasks.create_task(registration.run()))
            await end.wait()
            for task in background:
                task.cancel()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, options: ServingOptions) -> str:
    """Start to listen; give the address under which the site reaches the worker."""
    await runner.setup()
    try:
        await web.TCPSite(runner, options.host, options.port).start()
    except OSError as error:
        raise SystemExit(f"Can't listen on {options.host} port {options.port}: {error.strerror}") from None
    port = runner.addresses[0][1]
    return options.worker_address or f"http://{_reachable(options.host)}:{port}"


def _reachable(host: str) -> str:
    """Give the host for a URL: this machine for "all addresses", IPv6 in brackets."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1"
    return f"[{address}]" if address.version == 6 else str(address)


async def _end_with_parent(end: asyncio.Event) -> None:
    """Set `end` when the parent has gone: its children are then handed to another process."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 (the kernel tells no event loop)
        await asyncio.sleep(_PARENT_CHECK_SECONDS)
    end.set()
