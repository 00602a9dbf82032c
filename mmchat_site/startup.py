"""What `serve` does before it serves: database, static files, administrator, a free port."""

import errno
import hashlib
import os
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

import django
import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import Error as DatabaseFailure
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from chat.migration_lock import one_at_a_time
from chat.models import ServerProcess

PORTS_TO_TRY = 20
REDIS_SECONDS = 5
WATCH_SECONDS = 2.5  # longer than two beats of a living process


def end_on_sigterm() -> None:
    """End when told to before the server runs: as process 1 of a container nobody does that by default."""

    def end(sig: int, frame: FrameType | None) -> None:
        sys.exit(128 + sig)

    signal.signal(signal.SIGTERM, end)


def migrate() -> None:
    """Bring the database up to date; does nothing, quickly, when it is. Raises `CommandError`."""
    try:
        with one_at_a_time():
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", interactive=False, verbosity=0)
    except DatabaseFailure as error:
        reason = " ".join(str(error).split())
        raise CommandError(
            f"the database does not answer (DATABASE_URL, MMCHAT_DATA_DIR): {reason}"
        ) from None


def collect_static() -> None:
    """Collect static files when any of them changed since they were collected last."""
    state = _static_state()
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    if stamp.exists() and stamp.read_text() == state:
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=stamp.exists())
    stamp.write_text(state)


def _static_state() -> str:
    digest = hashlib.sha256(django.__version__.encode())
    for root in settings.STATICFILES_DIRS:
        for path in sorted(Path(root).rglob("*")):
            if path.is_file():
                # Not by time: layers of an image keep whole seconds only.
                digest.update(f"{path} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def create_first_administrator() -> tuple[str, str] | None:
    """Make an administrator where there is none; give name and password, which are shown once."""
    users = get_user_model()
    if users.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    name = "admin" if not users.objects.filter(username="admin").exists() else f"admin-{secrets.token_hex(3)}"
    users.objects.create_superuser(name, password=password)
    return name, password


def listen(host: str, port: int) -> socket.socket:
    """Listen on `port`, or on the next free one after it. Raises `CommandError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + PORTS_TO_TRY, 65536)):
        # asyncio sends small pieces at once (TCP_NODELAY) only where the protocol is named; else the second one of an
        # answer, or of a run of frames, waits for the client's acknowledgement, 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(2048)
            return listener
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE:
                raise CommandError(f"--host {host} --port {candidate}: {error.strerror or error}") from None
    raise CommandError(f"--port {port}: this port and the {PORTS_TO_TRY - 1} after it are all busy.")


def refuse_processes_without_redis(processes: int) -> None:
    """Raise `CommandError` where several processes would serve this database without Redis to wake each other."""
    if settings.REDIS_URL:
        _reach_redis()
        gone = [row.pk for row in ServerProcess.objects.all() if _surely_dead(row)]
        ServerProcess.objects.filter(pk__in=gone).delete()
        return
    if processes > 1:
        raise CommandError("--processes: more than one process needs Redis; set REDIS_URL.")
    before = {row.pk: row.heartbeat for row in ServerProcess.objects.all() if not _surely_dead(row)}
    if before:
        time.sleep(WATCH_SECONDS)
    rows = ServerProcess.objects.all()
    alive = [row for row in rows if row.pk in before and row.heartbeat != before[row.pk]]
    if alive:
        raise CommandError(
            f"another process of this site runs on {alive[0].host} (process {alive[0].pid}); "
            "two need Redis to know of each other: stop it, or set REDIS_URL for both."
        )
    rows.exclude(pk__in=[row.pk for row in alive]).delete()


def _reach_redis() -> None:
    try:
        redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
        ).ping()
    except (redis.RedisError, ValueError) as error:
        raise CommandError(f"REDIS_URL: Redis does not answer: {error}") from None


def _surely_dead(row: ServerProcess) -> bool:
    if row.host != socket.gethostname():
        return False
    if row.pid == os.getpid():
        return True  # a container that started again: same name, same number
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
