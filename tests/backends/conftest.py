"""The programs that teams run, unmodified, with tiny models, in processes of their own."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest
import requests

from tests.parts import BACKENDS
from tests.running import ROOT, Site, free_port, wait_until

PYTHON = BACKENDS / "bin/python"


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MMCHAT_", "DJANGO_"))}
    return {**kept, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub"), "PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def running(folder: Path, name: str, *command: str):
    """Run a program of the venv in a folder until the block ends; what it says is in `NAME.log` there."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(PYTHON.parent / command[0]), *command[1:]],
            cwd=folder,
            env=environment(folder),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(url: str, wanted, folder: Path, name: str, **more) -> None:
    """Wait until a call's JSON holds what is wanted."""

    def there() -> bool:
        try:
            return wanted(requests.request(url=url, timeout=5, **more).json())
        except (requests.RequestException, ValueError):
            return False

    try:
        wait_until(there, 120, name)
    except AssertionError:
        raise AssertionError((folder / f"{name}.log").read_text()[-3000:]) from None


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with the models."""
    assert PYTHON.exists(), "run `make test-backends`, which installs what these tests need"
    folder = tmp_path_factory.mktemp("backends")
    for kind, name in (("llama", "vicuna-tiny"), ("llava", "llava-tiny")):
        made = subprocess.run(
            [str(PYTHON), "-m", "tests.backends.tiny", kind, str(folder / name)],
            cwd=ROOT,
            env=environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="session")
def transformers_serve(folder):
    """The base URL of `transformers serve` with the tiny LLaVA."""
    port = free_port()
    command = [
        "transformers",
        "serve",
        "llava-tiny",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "cpu",
    ]
    with running(folder, "serve", *command):
        url = f"http://127.0.0.1:{port}/v1"
        answers(f"{url}/models", lambda found: bool(found["data"]), folder, "serve", method="GET")
        yield url


@contextlib.contextmanager
def fastchat_worker(folder: Path, controller: str, name: str = "worker"):
    """Run FastChat's `model_worker` with the tiny Llama, registered with a controller; give its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = ["--model-path", "vicuna-tiny", "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    options += ["--controller-address", controller, "--worker-address", url]
    with running(folder, name, "python", "-m", "fastchat.serve.model_worker", *options):
        answers(f"{url}/worker_get_status", lambda found: "model_names" in found, folder, name, method="POST")
        yield url


@pytest.fixture(scope="session")
def fastchat(folder):
    """The address of FastChat's controller, with a worker."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(
        folder,
        "controller",
        "python",
        "-m",
        "fastchat.serve.controller",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ):
        answers(f"{url}/list_models", lambda found: "models" in found, folder, "controller", method="POST")
        with fastchat_worker(folder, url):
            answers(
                f"{url}/list_models", lambda found: bool(found["models"]), folder, "controller", method="POST"
            )
            yield url


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A site of its own, for this gate runs no other tests."""
    site = Site(tmp_path_factory.mktemp("site"), environment={"MMCHAT_LIMITS": "off"}).start()
    yield site
    status = site.stop()
    site.remove()
    assert status == 0
