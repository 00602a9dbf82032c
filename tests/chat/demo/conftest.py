import base64
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 30


class Worker:
    """A demo worker in a process of its own, and the requests that a gateway makes of it."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "chat.demo", "--rate", "0", *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.first_line = self.process.stdout.readline()
        self.address = self.first_line.split()[-1]

    def post(self, **fields) -> requests.Response:
        body = {"model": "mmchat-demo", "temperature": 0.2, "top_p": 0.7, "max_new_tokens": 1024, **fields}
        return requests.post(
            self.address + "/worker_generate_stream",
            json=body,
            stream=True,
            timeout=START_SECONDS,
            allow_redirects=False,
        )

    def ask(self, text: str, *images: Image.Image, **fields) -> list[dict]:
        """Ask one question in vicuna's template; give all frames of the reply."""
        prompt = prompt_of(text, len(images))
        with self.post(prompt=prompt, images=[png(image) for image in images], **fields) as response:
            return frames_of(response.content)

    def reply(self, text: str, *images: Image.Image, **fields) -> str:
        """Ask one question; give the text of the reply without the prompt."""
        last = self.ask(text, *images, **fields)[-1]
        assert last["error_code"] == 0
        return last["text"].removeprefix(prompt_of(text, len(images)))

    def ask_messages(self, *messages: dict, **fields) -> list[dict]:
        """Ask in InternVL2's shape; pictures in messages are Pillow images."""
        prompt = [
            {**one, "image": [png(image) for image in one["image"]]} if "image" in one else one
            for one in messages
        ]
        with self.post(prompt=prompt, repetition_penalty=1.1, **fields) as response:
            return frames_of(response.content)

    def status(self) -> dict:
        return requests.post(self.address + "/worker_get_status", timeout=START_SECONDS).json()

    def wait_for_queue(self, length: int) -> None:
        """Wait until the worker says that so many requests are answered or wait."""
        deadline = time.monotonic() + START_SECONDS
        while (now := self.status()["queue_length"]) != length:
            assert time.monotonic() < deadline, f"the queue has {now} requests, not {length}"
            time.sleep(0.02)

    def end(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=START_SECONDS)


def prompt_of(text: str, images: int = 0) -> str:
    tags = "<image>\n" * images
    return f"A chat. USER: {tags}{text} ASSISTANT:"


def png(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def frames_of(body: bytes) -> list[dict]:
    assert body.endswith(b"\0")
    return [json.loads(frame) for frame in body.split(b"\0")[:-1]]


@pytest.fixture(scope="session")
def demo() -> Iterator[Worker]:
    """A worker that misbehaves only when a question asks for it."""
    started = Worker("--no-register", "--allow-fault-requests")
    yield started
    started.end()


@pytest.fixture
def start_worker() -> Iterator[Callable[..., Worker]]:
    """Start workers that end with the test."""
    started: list[Worker] = []

    def start(*options: str) -> Worker:
        started.append(Worker(*options))
        return started[-1]

    yield start
    for one in started:
        one.end()
