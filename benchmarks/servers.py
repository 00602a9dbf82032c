"""The servers under test, each as its users start it, each with a scratch folder of its own."""

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import requests

from benchmarks.processes import ROOT, free_port, running
from benchmarks.worker import MODELS
from tests.parts import redis

GRADIO = ROOT / ".venv-benchmark"
SECRET = "benchmark"


class Server(NamedTuple):
    url: str
    pid: int


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MMCHAT_", "GRADIO_"))}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


@cache
def _static_files() -> Path:
    """Give a folder for the static files that the first site of this process collects; it goes with the process."""
    folder = tempfile.mkdtemp(prefix="mmchat-benchmark-static-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@cache
def _tables() -> Path:
    """Give a SQLite file with the tables that every site of this process begins with; it goes with the process."""
    folder = Path(tempfile.mkdtemp(prefix="mmchat-benchmark-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=_environment(MMCHAT_DATA_DIR=str(folder), DJANGO_SETTINGS_MODULE="mmchat_site.settings"),
        check=True,
    )
    return folder / "mmchat.sqlite3"


class Setup(NamedTuple):
    """What a server is started for: a scratch folder, the worker behind it, how many replies at once."""

    folder: Path
    worker_url: str
    streams: int
    protocol: str = "llava"
    database: str | None = None  # mmchat's own; SQLite without


@contextlib.contextmanager
def worker(folder: Path, protocol: str = "llava") -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.worker", "--port", str(port), "--protocol", protocol]
    with running(command, folder / "worker.log", _environment(), port) as pid:
        yield Server(f"http://127.0.0.1:{port}", pid)


@contextlib.contextmanager
def mmchat(setup: Setup) -> Iterator[Server]:
    """The site as it ships: one process."""
    with _mmchat(setup, [], {}) as server:
        yield server


@contextlib.contextmanager
def mmchat_two(setup: Setup) -> Iterator[Server]:
    """Two processes of the site, and a Redis, whose use of CPU and memory is not counted."""
    with redis() as url, _mmchat(setup, ["--processes", "2"], {"REDIS_URL": url}) as server:
        yield server


@contextlib.contextmanager
def mmchat_daphne(setup: Setup) -> Iterator[Server]:
    with _mmchat(setup, ["--server", "daphne"], {}) as server:
        yield server


@contextlib.contextmanager
def _mmchat(setup: Setup, options: list[str], more: dict[str, str]) -> Iterator[Server]:
    """The site with a fresh database, its limits lifted by its own options."""
    port = free_port()
    data = setup.folder / "data"
    # Compressing the static files takes seconds; what one run collected is right for all.
    kept = _static_files()
    if any(kept.iterdir()):
        shutil.copytree(kept, data / "static")
    environment = _environment(
        MMCHAT_DATA_DIR=str(data),
        MMCHAT_LIMITS="off",
        MMCHAT_WORKER_CONCURRENCY=str(setup.streams + 1),
        MMCHAT_WORKER_SECRET=SECRET,
        MMCHAT_DRAIN_TIMEOUT="1",
        DJANGO_SETTINGS_MODULE="mmchat_site.settings",
        **more,
    )
    command = [
        sys.executable, "manage.py", "serve", "--host", "127.0.0.1", "--port", str(port),
        "--concurrency-count", str(setup.streams + 1), *options,
    ]  # fmt: skip
    if setup.database:
        environment["DATABASE_URL"] = setup.database
    if "DATABASE_URL" not in environment:
        # Making the tables takes seconds, too.
        data.mkdir(exist_ok=True)
        shutil.copy2(_tables(), data / "mmchat.sqlite3")
    with running(command, setup.folder / "mmchat.log", environment, port) as pid:
        if not any(kept.iterdir()):
            shutil.copytree(data / "static", kept, dirs_exist_ok=True)
        url = f"http://127.0.0.1:{port}"
        if setup.protocol == "openai":
            _add_backend(environment, setup)
        else:
            _register(url, setup)
        yield Server(url, pid)


def _register(url: str, setup: Setup) -> None:
    registration = {
        "worker_name": setup.worker_url,
        "check_heart_beat": False,
        "worker_status": {"model_names": [MODELS[setup.protocol]], "speed": 1, "queue_length": 0},
    }
    if setup.protocol == "fastchat":
        registration["multimodal"] = True  # by which FastChat's workers are known
    address = f"{url}/workers/{SECRET}/register_worker"
    requests.post(address, json=registration, timeout=30).raise_for_status()


def _add_backend(environment: dict[str, str], setup: Setup) -> None:
    code = f"""
from chat.models import Backend
from chat.registry import read_lists
url = {setup.worker_url!r} + "/v1"
Backend.objects.create(name="benchmark", kind="openai", url=url, concurrency={setup.streams + 1})
read_lists()
"""
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


@contextlib.contextmanager
def relay(setup: Setup) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.relay", "--port", str(port)]
    command += ["--worker", setup.worker_url, "--protocol", setup.protocol]
    with running(command, setup.folder / "relay.log", _environment(), port) as pid:
        yield Server(f"http://127.0.0.1:{port}", pid)


@contextlib.contextmanager
def gradio(setup: Setup) -> Iterator[Server]:
    with _gradio(setup, 0) as server:
        yield server


@contextlib.contextmanager
def gradio_lifted(setup: Setup) -> Iterator[Server]:
    with _gradio(setup, setup.streams) as server:
        yield server


@contextlib.contextmanager
def _gradio(setup: Setup, lifted: int) -> Iterator[Server]:
    port = free_port()
    command = [
        str(GRADIO / "bin/python"), "benchmarks/gradio_chat.py",
        "--port", str(port), "--worker", setup.worker_url, "--lifted", str(lifted),
    ]  # fmt: skip
    environment = _environment(
        GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", GRADIO_TEMP_DIR=str(setup.folder / "gradio")
    )
    with running(command, setup.folder / "gradio.log", environment, port) as pid:
        yield Server(f"http://127.0.0.1:{port}", pid)


def install_gradio() -> None:
    """Make the peer's virtual environment, if it is not there as locked."""
    locked = ROOT / "requirements-benchmark.txt"
    stamp = GRADIO / "installed.txt"
    if stamp.exists() and stamp.read_text() == locked.read_text():
        return
    print("installing Gradio to .venv-benchmark", file=sys.stderr)
    if not (GRADIO / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(GRADIO)], check=True)
    command = [str(GRADIO / "bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
    subprocess.run([*command, "-r", str(locked)], check=True)
    stamp.write_text(locked.read_text())


SERVERS: dict[str, Callable[[Setup], contextlib.AbstractContextManager[Server]]] = {
    "mmchat": mmchat,
    "mmchat-2": mmchat_two,
    "mmchat-daphne": mmchat_daphne,
    "gradio": gradio,
    "gradio-lifted": gradio_lifted,
    "relay": relay,
}
