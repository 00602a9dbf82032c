"""Serve the application with uvicorn: one process, or several that share one listening socket.

`python -m mmchat_site.server FD` is one of several; the supervisor below starts it.
"""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType

import django
import uvicorn
from django.conf import settings

log = logging.getLogger(__name__)

MAX_SOCKET_BYTES = 1024 * 1024  # read this much, so that the application can say that 64 KiB are the limit
CLOSE_SECONDS = 5
RESTART_SECONDS = 1.0


class SiteServer(uvicorn.Server):
    """Drain before the end: stock uvicorn closes listener and sockets at the first signal.

    While it drains, `/readyz` says 503, running replies end, and then sockets close with 1012. A second
    signal ends it at once.
    """

    draining: asyncio.Task[None] | None = None
    loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.draining or not self.started or self.loop is None:
            self.should_exit = self.force_exit = True
        else:
            self.loop.call_soon_threadsafe(self._begin_to_drain)

    def _begin_to_drain(self) -> None:
        if self.draining is None:
            self.draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        # Imported late because the settings must be final before the application is loaded.
        from chat.generation.engine import running_engine

        try:
            await (await running_engine()).drain(settings.MMCHAT_DRAIN_TIMEOUT)
        except Exception:
            log.exception("draining failed")
        self.should_exit = True


def serve_here(listener: socket.socket) -> None:
    """Serve in this process until a signal ends it."""
    config = uvicorn.Config(
        "mmchat_site.asgi:application",
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MAX_SOCKET_BYTES,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    SiteServer(config).run([listener])


def serve_with_daphne(host: str, port: int) -> None:
    """Serve with daphne, the development server: it neither drains nor waits for slow readers."""
    subprocess.run(
        [sys.executable, "-m", "daphne", "-b", host, "-p", str(port), "mmchat_site.asgi:application"],
        check=False,
    )


def supervise(listener: socket.socket, processes: int) -> None:
    """Run `processes` of `serve_here` on one socket, start again what dies, and pass the end on."""
    listener.set_inheritable(True)
    command = [sys.executable, "-m", "mmchat_site.server", str(listener.fileno())]
    ending = False

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, pass_fds=[listener.fileno()])

    def end(sig: int, frame: FrameType | None) -> None:
        nonlocal ending
        ending = True
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)

    children = [start() for _ in range(processes)]
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, end)
    while not ending or any(child.poll() is None for child in children):
        time.sleep(0.1)
        for place, child in enumerate(children):
            if child.poll() is not None and not ending:
                log.warning("a server process ended with %s; starting another", child.returncode)
                time.sleep(RESTART_SECONDS)
                children[place] = start()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mmchat_site.settings")
    django.setup()
    # Ctrl-C reaches the whole group; the supervisor passes it on, so that it counts once.
    serve_here(socket.socket(fileno=int(sys.argv[1])))
