"""One measured run: a worker, a server and a client, each a process started anew."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT, Usage, cpu_seconds, end
from benchmarks.profile import profiled
from benchmarks.servers import SERVERS, Server, Setup, worker
from benchmarks.services import fresh_database
from benchmarks.steady import Watch, steady_ms_per_1000
from benchmarks.tables import Row
from benchmarks.worker import MODELS


@dataclass(frozen=True)
class Load:
    """What the visitors do."""

    streams: int = 1
    tokens: int = 512
    rate: float = 50
    ramp: float = 1
    turn: int = 1
    limit_seconds: float = 60
    protocol: str = "llava"
    image: bool = False
    plain: bool = False
    count_bytes: bool = False

    def arguments(self) -> list[str]:
        values = ("streams", "tokens", "rate", "ramp", "turn", "limit_seconds")
        flags = ("image", "plain", "count_bytes")
        return [
            *(part for name in values for part in (f"--{_option(name)}", str(getattr(self, name)))),
            *(f"--{_option(name)}" for name in flags if getattr(self, name)),
            *("--model", MODELS[self.protocol]),
        ]


def _option(name: str) -> str:
    return name.replace("_", "-")


def run(name: str, load: Load, postgresql: str | None = None, profile: Path | None = None) -> Row:
    """Measure one server once; mmchat with a fresh database on this PostgreSQL, if one is given."""
    with (
        fresh_database(postgresql) if postgresql else contextlib.nullcontext() as database,
        servers(name, load, database) as (server, behind),
    ):
        return measure(name, load, server, behind, profile)


@contextlib.contextmanager
def servers(name: str, load: Load, database: str | None = None) -> Iterator[tuple[Server, Server]]:
    """Run a server and the worker behind it; mmchat with this database, or a fresh SQLite one."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mmchat-benchmark-")))
        behind = stack.enter_context(worker(folder, load.protocol))
        setup = Setup(folder, behind.url, load.streams, load.protocol, database)
        yield stack.enter_context(SERVERS[name](setup)), behind


def measure(name: str, load: Load, server: Server, behind: Server, profile: Path | None = None) -> Row:
    """Measure a server that runs, with the worker behind it."""
    worker_before = cpu_seconds(behind.pid)
    measured, usage, watch = _visit(name, load, server, behind, profile)
    steps = measured.pop("steps")
    per_1000 = usage.cpu_seconds * 1000 / measured["tokens"] * 1000 if measured["tokens"] else None
    return {
        "server": name,
        "streams": load.streams,
        "tokens_each": load.tokens,
        "turn": load.turn,
        "rate": load.rate,
        "image": load.image,
        "protocol": load.protocol,
        **measured,
        **steps,
        "cpu_seconds": usage.cpu_seconds,
        "cpu_ms_per_1000": per_1000,
        "steady_ms_per_1000": steady_ms_per_1000(watch.moments, load.streams),
        "worker_cpu_seconds": cpu_seconds(behind.pid) - worker_before,
        "megabytes_before": usage.begin_megabytes,
        "megabytes_peak": usage.peak_megabytes,
    }


def _visit(
    name: str, load: Load, server: Server, behind: Server, profile: Path | None
) -> tuple[dict[str, Any], Usage, Watch]:
    """Run a client to its end, watching the server from the moment when all visitors are there."""
    command = [sys.executable, "-m", "benchmarks.client", "--server", name]
    command += ["--url", server.url, "--worker", behind.url, *load.arguments()]
    client = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert client.stdin is not None
        assert client.stdout is not None
        if client.stdout.readline() != "ready\n":
            raise RuntimeError("the client did not get ready")
        sampling = profiled(server.pid, profile) if profile else contextlib.nullcontext()
        with Usage(server.pid) as usage, Watch(server.pid, behind.url) as watch, sampling:
            client.stdin.write("go\n")
            client.stdin.flush()
            line = client.stdout.readline()
        return json.loads(line), usage, watch
    finally:
        end(client)


def count_bytes(name: str) -> Row:
    """Count what one reply in prose to one picture sends to the browser, without and with compression."""
    row: Row = {"server": name}
    load = Load(ramp=0, image=True, count_bytes=True)
    with servers(name, load) as (server, behind):
        for kind in ("plain", "compressed"):
            measured = measure(name, replace(load, plain=kind == "plain"), server, behind)
            if not measured["completed"]:
                raise RuntimeError(f"{name}: {measured['errors']}")
            row["reply"] = measured["characters"]
            row[kind] = measured["bytes_to_client"]
    return row
