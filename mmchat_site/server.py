"""Serve the application with uvicorn: one process, or several that share one listening socket.

`python -m mmchat_site.server FD NUMBER FOLDER PARENT` is one of several; process PARENT, the supervisor below, starts
it.
"""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import django
import uvicorn
from django.conf import settings

from chat import scraping
from mmchat_site.logs import log_what_nobody_caught
from mmchat_site.memory import give_back_freed_memory

log = logging.getLogger(__name__)

MAX_SOCKET_BYTES = 1024 * 1024  # read this much, so that the application can say that 64 KiB are the limit
CLOSE_SECONDS = 5
RESTART_SECONDS = 1.0
WATCH_SECONDS = 0.2


class SiteServer(uvicorn.Server):
    """Drain before the end: stock uvicorn closes listener and sockets at the first signal.

    While it drains, `/readyz` says 503, running replies end, and then sockets close with 1012. A second
    signal ends it at once.

    With a `supervisor` other processes accept on the same listener. Told alone to end (SIGTERM), this one leaves
    new connections to them at once. Told together with them (SIGINT, from the supervisor), it goes on
    accepting, as one without peers does: else nobody would answer the proxy's `/readyz`. When the supervisor
    has gone without a word, all leave the listener and end, so that the next one finds its port free.
    """

    draining: asyncio.Task[None] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    supervisor: int | None = None

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._heard: set[int] = set()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # One that was told alone to end hears of the end of all for the first time: that is no second signal.
        again = self.draining is not None and (self.supervisor is None or sig in self._heard)
        self._heard.add(sig)
        if again or not self.started or self.loop is None:
            self.should_exit = self.force_exit = True
        else:
            self.loop.call_soon_threadsafe(
                self._begin_to_drain, self.supervisor is not None and sig == signal.SIGTERM
            )

    async def on_tick(self, counter: int) -> bool:
        """Look after the supervisor: uvicorn calls this ten times a second."""
        if self.supervisor is not None and os.getppid() != self.supervisor:
            self._begin_to_drain(leave_listener=True)
        return await super().on_tick(counter)

    def _begin_to_drain(self, leave_listener: bool) -> None:
        if self.draining is None:
            if leave_listener:
                for server in self.servers:
                    server.close()
            self.draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        # Imported late because the settings must be final before the application is loaded.
        from chat.generation.engine import running_engine

        try:
            await (await running_engine()).drain(settings.MMCHAT_DRAIN_TIMEOUT)
        except Exception:
            log.exception("draining failed")
        self.should_exit = True


def serve_here(*listeners: socket.socket, supervisor: int | None = None) -> None:
    """Serve in this process until a signal ends it; `supervisor` started it beside others on the listener."""
    log_what_nobody_caught()
    give_back_freed_memory()
    config = uvicorn.Config(
        "mmchat_site.asgi:application",
        loop="asyncio",
        http="h11",
        ws="mmchat_site.websockets:SiteWebSocket",
        ws_max_size=MAX_SOCKET_BYTES,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    server = SiteServer(config)
    server.supervisor = supervisor
    server.run(list(listeners))


def serve_with_daphne(host: str, port: int) -> None:
    """Serve with daphne, the development server: it neither drains nor waits for slow readers."""
    quiet = ["-v", "0"]  # else it logs each request with its address and its query
    command = [
        sys.executable, "-m", "daphne", *quiet, "-b", host, "-p", str(port), "mmchat_site.asgi:application",
    ]  # fmt: skip
    _supervise(lambda number: subprocess.Popen(command, start_new_session=True), 1)


def serve_in_processes(listener: socket.socket, processes: int) -> None:
    """Serve in `processes` processes that share one listening socket."""
    listener.set_inheritable(True)
    with tempfile.TemporaryDirectory(prefix="mmchat-") as folder:

        def start(number: int) -> subprocess.Popen[bytes]:
            command = [
                sys.executable,
                "-m",
                "mmchat_site.server",
                str(listener.fileno()),
                str(number),
                folder,
                str(os.getpid()),
            ]
            return subprocess.Popen(command, pass_fds=[listener.fileno()], start_new_session=True)

        _supervise(start, processes, listener)


def _supervise(
    start: Callable[[int], subprocess.Popen[bytes]], processes: int, listener: socket.socket | None = None
) -> None:
    """Keep `processes` children running, pass signals on to them, and return when they have ended.

    Each has a number of its own, from 0, which the one that is started in its place takes over. They run in
    sessions of their own, so that Ctrl-C reaches them once, through here. They get SIGINT, which tells them that
    all end; `listener` is closed here then, so that it is gone with the last of them.
    """
    signals = passed_on = 0
    woken = threading.Event()
    children: dict[int, subprocess.Popen[bytes]] = {}

    def hear(sig: int, frame: FrameType | None) -> None:
        nonlocal signals
        signals += 1
        woken.set()

    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, hear)
    while True:
        # Everything that touches children happens here, so none is started behind a signal's back.
        if signals > passed_on:
            passed_on = signals
            if listener:
                listener.close()
            for child in children.values():
                child.send_signal(signal.SIGINT)
        for number, child in [each for each in children.items() if each[1].poll() is not None]:
            del children[number]
            if not signals:
                log.warning("a server process ended with %s; starting another", child.returncode)
                woken.wait(RESTART_SECONDS)
        if signals and not children:
            return
        for number in range(processes):
            if number not in children and not signals:
                children[number] = start(number)
        woken.wait(WATCH_SECONDS)
        woken.clear()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # told to end before it has begun: no traceback
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mmchat_site.settings")
    django.setup()
    scraping.be_one_of_several(sys.argv[2], Path(sys.argv[3]))
    serve_here(socket.socket(fileno=int(sys.argv[1])), supervisor=int(sys.argv[4]))
