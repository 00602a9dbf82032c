"""Start the site: migrate, collect static files, serve."""

import contextlib
import os
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from chat.controller.workers import refresh_all
from chat.models import Worker
from chat.registry import configure_backends, read_lists
from mmchat_site import environment, server, startup, tunnel

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not lowest <= int(text) <= highest:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _web_address(text: str) -> str:
    if text and (urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname):
        raise ArgumentTypeError(f"{text!r} does not begin with http:// or https:// and name a host")
    return text.rstrip("/")


class Command(BaseCommand):
    help = (
        "Start the site. Each option can also be set by the environment variable that is named with it; "
        "the option wins."
    )
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        # One line for a wrong value, not a page of usage.
        parser.error = lambda message: parser.exit(2, f"serve: {message}\n")  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        def add(flag: str, text: str, **more: Any) -> None:
            name = "MMCHAT_" + flag.strip("-").replace("-", "_").upper()
            parser.add_argument(flag, default=None, help=f"{text} [{name}]", **more)

        add("--host", "address to listen on; default 0.0.0.0, all of this machine's")
        add("--port", "port to listen on, or the next free one; default 7860", type=_whole_number(1, 65535))
        add(
            "--controller-url",
            "controller that knows the workers; default: the site's own, at /workers/<secret>",
            type=_web_address,
            metavar="URL",
        )
        add(
            "--concurrency-count",
            "replies generated at once on the whole site; further visitors wait in line; default 100",
            type=_whole_number(1, 100_000),
            metavar="N",
        )
        add(
            "--model-list-mode",
            "read an outside controller's list of models once, at start, or at each page load; default once",
            choices=["once", "reload"],
        )
        add("--moderate", "check each message before it reaches a worker", action="store_true")
        add("--embed", "hide title and terms of use", action="store_true")
        add("--share", "open a tunnel, so that others can try the site from anywhere", action="store_true")
        add("--demo", "start the demo worker, which needs no GPU", action="store_true")
        add(
            "--processes",
            "server processes; more than one needs REDIS_URL; default 1",
            type=_whole_number(1, 64),
            metavar="N",
        )
        add(
            "--server",
            "ASGI server; daphne is for development; default uvicorn",
            choices=["uvicorn", "daphne"],
        )

    def handle(self, **options: Any) -> None:
        for name in (
            "host", "port", "controller_url", "concurrency_count", "model_list_mode", "moderate", "embed", "demo",
            "processes", "server", "share",
        ):  # fmt: skip
            if options[name] not in (None, False):
                _set(f"MMCHAT_{name.upper()}", options[name])
        if settings.MMCHAT_DEMO and settings.MMCHAT_CONTROLLER_URL:
            raise CommandError("--demo registers with the site's own controller; leave out --controller-url.")
        host = environment.in_url(settings.MMCHAT_HOST)
        if not settings.MMCHAT_URL and host not in (*environment.WILDCARDS, *settings.ALLOWED_HOSTS):
            settings.ALLOWED_HOSTS.append(host)
        if settings.MMCHAT_MODERATE and not settings.MMCHAT_MODERATION_KEY:
            self.stderr.write(
                "--moderate: MMCHAT_MODERATION_KEY is not set; the service may refuse every message."
            )
        if settings.MMCHAT_SERVER == "daphne" and settings.MMCHAT_PROCESSES > 1:
            raise CommandError("--processes: daphne runs as one process; use uvicorn for more.")
        if settings.MMCHAT_SHARE and (settings.MMCHAT_PROCESSES > 1 or settings.MMCHAT_SERVER == "daphne"):
            raise CommandError("--share: a site behind a tunnel is one process of uvicorn.")
        if settings.MMCHAT_SHARE and settings.DEBUG:
            raise CommandError("--share: MMCHAT_DEBUG shows settings to strangers; switch it off.")
        if settings.DEBUG and settings.MMCHAT_HOST not in LOOPBACK:
            raise CommandError(
                f"--host {settings.MMCHAT_HOST}: MMCHAT_DEBUG shows settings to strangers; listen on 127.0.0.1."
            )
        startup.end_on_sigterm()
        startup.migrate()
        startup.refuse_processes_without_redis(settings.MMCHAT_PROCESSES)
        startup.collect_static()
        administrator = startup.create_first_administrator()
        configure_backends()
        if settings.MMCHAT_CONTROLLER_URL:
            read_lists()
        elif Worker.objects.exists():
            # Workers that ended while the site was down, its own demo worker first of all, would get visitors; and
            # those that live would be missed until their next heartbeat, after a long pause or a clock set forward.
            refresh_all()
        listener = startup.listen(settings.MMCHAT_HOST, settings.MMCHAT_PORT)
        port = listener.getsockname()[1]
        with contextlib.ExitStack() as stack:
            listeners = [listener]
            shared_at = ""
            if settings.MMCHAT_SHARE:
                at_tunnel, shared_at = stack.enter_context(tunnel.open_tunnel())
                listeners.append(at_tunnel)
            self._tell(port, administrator, shared_at)
            # This thread reads no more, and would keep one of the pool's few connections.
            connections.close_all()
            stack.enter_context(_demo_worker(port))
            if settings.MMCHAT_SERVER == "daphne":
                listener.close()
                server.serve_with_daphne(settings.MMCHAT_HOST, port)
            elif settings.MMCHAT_PROCESSES > 1:
                server.serve_in_processes(listener, settings.MMCHAT_PROCESSES)
            else:
                server.serve_here(*listeners)

    def _tell(self, port: int, administrator: tuple[str, str] | None, shared_at: str) -> None:
        if port != settings.MMCHAT_PORT:
            self.stdout.write(f"Port {settings.MMCHAT_PORT} is busy; using {port}.")
        address = settings.MMCHAT_ORIGIN or f"http://{_reached_at()}:{port}"
        self.stdout.write(f"mmchat is at      {address}/")
        if shared_at:
            self.stdout.write(
                f"shared at         {shared_at}/ with everybody who knows it, the administration apart"
            )
        self.stdout.write(f"administration at {address}/{settings.MMCHAT_ADMIN_PATH}/")
        if administrator:
            name, password = administrator
            self.stdout.write(f"administrator     {name}, password {password} (shown only now)")
        if not settings.MMCHAT_CONTROLLER_URL:
            self.stdout.write(f"workers register  {address}/workers/{settings.MMCHAT_WORKER_SECRET}")
        self.stdout.flush()


def _reached_at() -> str:
    """Give the host by which this machine reaches the site."""
    host = settings.MMCHAT_HOST
    if host in environment.WILDCARDS:
        return "[::1]" if host == "::" else "127.0.0.1"
    return environment.in_url(host)


def _set(name: str, value: str | int | bool) -> None:
    """Make an option count here and in the processes that this one starts."""
    setattr(settings, name, value)
    os.environ[name] = "on" if value is True else str(value)


@contextlib.contextmanager
def _demo_worker(port: int) -> Iterator[None]:
    """Run the demo worker beside the site, as a process of its own."""
    if not settings.MMCHAT_DEMO:
        yield
        return
    controller = f"http://{_reached_at()}:{port}/workers/{settings.MMCHAT_WORKER_SECRET}"
    # In a group of its own, so that Ctrl-C ends it after the site has drained and not before.
    worker = subprocess.Popen(
        [sys.executable, "-m", "chat.demo", "--exit-with-parent"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "MMCHAT_CONTROLLER_ADDRESS": controller},
        start_new_session=True,
    )
    try:
        yield
    finally:
        worker.terminate()
        try:
            worker.wait(5)
        except subprocess.TimeoutExpired:
            worker.kill()
