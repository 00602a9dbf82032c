import base64
import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from PIL import Image

from tests.parts import BACKENDS
from tests.running import ROOT

KINDS = ("llava", "qwen2_vl", "internvl")
WAIT = 120  # seconds; importing PyTorch alone takes many on a busy machine
ALONE = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}


@pytest.fixture(scope="session")
def python() -> str:
    """A Python that has PyTorch and transformers."""
    found = BACKENDS / "bin" / "python"
    assert found.exists(), "run `make test-backends`, which installs what these tests need"
    return str(found)


def start(python: str, *arguments: str, **more) -> subprocess.Popen:
    return subprocess.Popen([python, *arguments], cwd=ROOT, env={**os.environ, **ALONE}, text=True, **more)


@pytest.fixture(scope="session")
def tiny(python, tmp_path_factory) -> dict[str, Path]:
    """Folders with a tiny random model of each kind, and with one of each kind that never ends."""
    folders = {kind: tmp_path_factory.mktemp("tiny") / kind for kind in KINDS}
    making = [
        start(python, "-m", "tests.backends.tiny", kind, str(folder), stderr=subprocess.PIPE)
        for kind, folder in folders.items()
    ]
    for each in making:
        _, told = each.communicate(timeout=WAIT)
        assert each.returncode == 0, told
    return folders | {f"endless_{kind}": without_end(folder) for kind, folder in folders.items()}


def without_end(folder: Path) -> Path:
    """Give the same model without a token that ends a reply."""
    endless = folder.with_name(f"endless_{folder.name}")
    shutil.copytree(folder, endless)
    settings = endless / "generation_config.json"
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "eos_token_id": None}))
    return endless


def png(colour: str, width: int = 90, height: int = 60) -> str:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def question(*messages: str | tuple[str, ...], system: str = "", **fields) -> dict:
    """Put a question as the site does: texts of user and model in turn, in a tuple with pictures after them."""
    prompt = [{"role": "system", "content": system}]
    for number, message in enumerate(messages):
        text, *pictures = [message] if isinstance(message, str) else message
        prompt.append({"role": ("user", "assistant")[number % 2], "content": text})
        if pictures:
            prompt[-1]["image"] = pictures
    return {
        "prompt": prompt,
        "temperature": 0,
        "top_p": 0.7,
        "max_new_tokens": 60,
        "max_input_tiles": 12,
        "repetition_penalty": 1.1,
        **fields,
    }


class ModelWorker:
    """A model worker in a process of its own, and what a gateway asks of it."""

    def __init__(self, python: str, folder: Path, *options: str) -> None:
        options = ("--model", str(folder), *(options or ("--no-register",)))
        self.process = start(
            python, "-m", "chat.model_worker", *options, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.lines = [self.process.stdout.readline(), self.process.stdout.readline()]
        self.address = self.lines[-1].split()[-1]

    def post(self, asked: dict) -> requests.Response:
        return requests.post(self.address + "/worker_generate_stream", json=asked, stream=True, timeout=WAIT)

    def frames(self, asked: dict) -> list[dict]:
        with self.post(asked) as response:
            body = response.content
        assert body.endswith(b"\0")
        return [json.loads(frame) for frame in body.split(b"\0")[:-1]]

    def last(self, asked: dict) -> dict:
        return self.frames(asked)[-1]

    def status(self) -> dict:
        return requests.post(self.address + "/worker_get_status", timeout=WAIT).json()

    def wait_for_queue(self, length: int) -> None:
        deadline = time.monotonic() + WAIT
        while (now := self.status()["queue_length"]) != length:
            assert time.monotonic() < deadline, f"the queue has {now} requests, not {length}"
            time.sleep(0.01)

    def end(self) -> int:
        self.process.terminate()
        self.process.communicate(timeout=WAIT)
        return self.process.returncode


@pytest.fixture
def start_worker(python, tiny) -> Iterator[Callable[..., ModelWorker]]:
    """Start workers that end with the test."""
    started: list[ModelWorker] = []

    def begin(kind: str, *options: str) -> ModelWorker:
        started.append(ModelWorker(python, tiny[kind], *options))
        return started[-1]

    yield begin
    for one in started:
        assert one.end() == 0


@pytest.fixture(scope="session")
def workers(python, tiny) -> Iterator[dict[str, ModelWorker]]:
    """A worker of each kind, shared by tests that only ask."""
    started = {kind: ModelWorker(python, tiny[kind]) for kind in KINDS}
    yield started
    ends = {kind: one.end() for kind, one in started.items()}
    assert ends == dict.fromkeys(KINDS, 0)


@pytest.fixture(scope="session")
def reference(python, tiny) -> Callable[[str, list[dict]], list[dict]]:
    """What `generate()` gives when it is called directly."""

    def ask(kind: str, asked: list[dict]) -> list[dict]:
        process = start(
            python,
            "-m",
            "tests.backends.worker.reference",
            kind,
            str(tiny[kind]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        answer, told = process.communicate(json.dumps(asked), timeout=WAIT)
        assert process.returncode == 0, told
        return json.loads(answer)

    return ask
