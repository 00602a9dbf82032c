"""The servers under test, each as its users start it, each with a scratch folder of its own."""

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import requests

from benchmarks.processes import ROOT, free_port, running
from benchmarks.worker import MODEL

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


@contextlib.contextmanager
def worker(folder: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.worker", "--port", str(port)]
    with running(command, folder / "worker.log", _environment(), port) as pid:
        yield Server(f"http://127.0.0.1:{port}", pid)


@contextlib.contextmanager
def mmchat(folder: Path, worker_url: str, streams: int) -> Iterator[Server]:
    """The site as it ships, with SQLite unless `DATABASE_URL` says otherwise, its limits lifted by its options."""
    port = free_port()
    data = folder / "data"
    # Compressing the static files takes seconds; what one run collected is right for all.
    kept = _static_files()
    if any(kept.iterdir()):
        shutil.copytree(kept, data / "static")
    environment = _environment(
        MMCHAT_DATA_DIR=str(data),
        MMCHAT_LIMITS="off",
        MMCHAT_WORKER_CONCURRENCY=str(streams + 1),
        MMCHAT_WORKER_SECRET=SECRET,
        MMCHAT_DRAIN_TIMEOUT="1",
        DJANGO_SETTINGS_MODULE="mmchat_site.settings",
    )
    command = [
        sys.executable, "manage.py", "serve", "--host", "127.0.0.1", "--port", str(port),
        "--concurrency-count", str(streams + 1),
    ]  # fmt: skip
    with running(command, folder / "mmchat.log", environment, port) as pid:
        if not any(kept.iterdir()):
            shutil.copytree(data / "static", kept, dirs_exist_ok=True)
        url = f"http://127.0.0.1:{port}"
        registration = {
            "worker_name": worker_url,
            "check_heart_beat": False,
            "worker_status": {"model_names": [MODEL], "speed": 1, "queue_length": 0},
        }
        requests.post(
            f"{url}/workers/{SECRET}/register_worker", json=registration, timeout=30
        ).raise_for_status()
        yield Server(url, pid)


@contextlib.contextmanager
def relay(folder: Path, worker_url: str, streams: int) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.relay", "--port", str(port), "--worker", worker_url]
    with running(command, folder / "relay.log", _environment(), port) as pid:
        yield Server(f"http://127.0.0.1:{port}", pid)


@contextlib.contextmanager
def gradio(folder: Path, worker_url: str, streams: int) -> Iterator[Server]:
    with _gradio(folder, worker_url, 0) as server:
        yield server


@contextlib.contextmanager
def gradio_lifted(folder: Path, worker_url: str, streams: int) -> Iterator[Server]:
    with _gradio(folder, worker_url, streams) as server:
        yield server


@contextlib.contextmanager
def _gradio(folder: Path, worker_url: str, lifted: int) -> Iterator[Server]:
    port = free_port()
    command = [
        str(GRADIO / "bin/python"), "benchmarks/gradio_chat.py",
        "--port", str(port), "--worker", worker_url, "--lifted", str(lifted),
    ]  # fmt: skip
    environment = _environment(
        GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", GRADIO_TEMP_DIR=str(folder / "gradio")
    )
    with running(command, folder / "gradio.log", environment, port) as pid:
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
    subprocess.run(
        [
            str(GRADIO / "bin/python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            str(locked),
        ],
        check=True,
    )
    stamp.write_text(locked.read_text())


SERVERS = {"mmchat": mmchat, "gradio": gradio, "gradio-lifted": gradio_lifted, "relay": relay}
