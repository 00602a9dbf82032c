"""Children that decode pictures: few, confined, replaced when they die, and never waited for without end."""

import atexit
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from django.conf import settings

from chat.images.decode import read_frame, write_frame
from chat.images.errors import ImageRefused

logger = logging.getLogger(__name__)

_PROGRAM = Path(__file__).with_name("decode.py")
_MEGABYTE = 2**20
_MOST_WORDS = 1000


class Pixels(msgspec.Struct, frozen=True):
    """What the child says of a picture it decoded."""

    md5: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    width: Annotated[int, msgspec.Meta(ge=1)]
    height: Annotated[int, msgspec.Meta(ge=1)]
    difference_hash: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    source_format: Literal["JPEG", "PNG", "WEBP", "GIF"]


class Failed(msgspec.Struct, frozen=True):
    """Why a picture was not decoded: the words of the child, or of the thread that waited for it."""

    error: Literal[
        "image_format",
        "image_too_many_pixels",
        "image_side_too_long",
        "image_undecodable",
        "image_too_heavy",
        "images_busy",
    ]
    detail: str


class Decoded(msgspec.Struct, frozen=True):
    """A picture as it is stored: what is told of it, the lossless PNG, the JPEG, the WebP thumbnail."""

    about: Pixels
    png: bytes
    jpeg: bytes
    thumbnail: bytes


_CLOSED = Failed("images_busy", "the site is going down")


class _Child:
    """One process that decodes; used by the one thread that started it."""

    def __init__(self, memory_bytes: int, cpu_seconds: int) -> None:
        # Of the environment, which holds keys, a child sees only what finding Python's own libraries takes.
        environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
        self.pictures = 0
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM), str(memory_bytes), str(cpu_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C in the terminal is for the site, which then ends its children
        )

    def ask(self, limits: dict[str, int], data: bytes, most: int) -> Decoded | Failed:
        """Have one picture decoded. Raises `EOFError` or `OSError` when the child dies of it."""
        jobs, results = self.process.stdin, self.process.stdout
        if jobs is None or results is None:
            raise EOFError
        self.pictures += 1
        write_frame(jobs, msgspec.json.encode(limits))
        write_frame(jobs, data)
        words = read_frame(results, _MOST_WORDS)
        if b'"error"' in words:
            return msgspec.json.decode(words, type=Failed)
        about = msgspec.json.decode(words, type=Pixels)
        return Decoded(about, *(read_frame(results, most) for _ in range(3)))

    def end(self) -> int:
        """End the process and give its exit status, negative for the signal it died of."""
        self.process.kill()
        status = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # closing writes what a dead child did not read
                if pipe:
                    pipe.close()
        return status


class DecoderPool:
    """Decode pictures in children, which start with the first picture.

    Each child is started and used by one thread of the pool: on Linux a child dies with the thread that
    started it, and the threads of requests come and go. Refusals are made in the caller's thread, which
    knows the visitor's language.

    `wall_seconds` and `cpu_seconds` hold for one picture, `memory_bytes` of address space for the child.
    `waiting` callers may wait for a child, up to `wait_seconds`; further ones are refused at once.
    """

    def __init__(
        self,
        *,
        memory_bytes: int,
        children: int = 2,
        waiting: int = 16,
        wait_seconds: float = 20,
        wall_seconds: float = 30,
        cpu_seconds: int = 20,
        pictures_per_child: int = 200,
    ) -> None:
        self._memory_bytes = memory_bytes
        self._wait_seconds = wait_seconds
        self._wall_seconds = wall_seconds
        self._cpu_seconds = cpu_seconds
        self._pictures_per_child = pictures_per_child
        self._threads = ThreadPoolExecutor(children, thread_name_prefix="image-decoder")
        self._most_callers = children + waiting
        self._counting = threading.Lock()
        self.callers = 0
        self._children: dict[int, _Child] = {}

    def decode(self, data: bytes, *, pixels: int, side: int) -> Decoded:
        """Decode one picture of at most so many pixels, each side at most so long. Raises `ImageRefused`."""
        with self._one_of_the_callers():
            try:
                answer = self._submit(data, pixels, side).result()
            except CancelledError:
                answer = _CLOSED
        if isinstance(answer, Decoded):
            return answer
        logger.info("Refused a picture of %s bytes: %s %s", len(data), answer.error, answer.detail)
        limits: dict[str, float | str] = {
            "image_too_many_pixels": pixels / 1e6,
            "image_side_too_long": side,
            "image_format": "PNG, JPEG, WebP, GIF",
        }
        raise ImageRefused(answer.error, limits.get(answer.error))

    def process_ids(self) -> list[int]:
        """List the children that were started and not yet replaced."""
        return [child.process.pid for child in list(self._children.values())]

    def close(self) -> None:
        """End all children and threads; callers that wait are refused."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in list(self._children.values()):
            child.process.kill()
        self._threads.shutdown(wait=True)
        while self._children:
            self._children.popitem()[1].end()

    @contextlib.contextmanager
    def _one_of_the_callers(self) -> Iterator[None]:
        with self._counting:
            if self.callers >= self._most_callers:
                raise ImageRefused("images_busy")
            self.callers += 1
        try:
            yield
        finally:
            with self._counting:
                self.callers -= 1

    def _submit(self, data: bytes, pixels: int, side: int) -> Future[Decoded | Failed]:
        try:
            return self._threads.submit(
                self._decode, data, pixels, side, time.monotonic() + self._wait_seconds
            )
        except RuntimeError:  # so the executor says that it was shut down
            raise ImageRefused("images_busy") from None

    def _decode(self, data: bytes, pixels: int, side: int, latest_start: float) -> Decoded | Failed:
        if time.monotonic() > latest_start:
            return Failed("images_busy", "waited too long")
        try:
            child = self._ready_child()
        except OSError as error:
            logger.error("No decoder of pictures could be started: %s", error)
            return Failed("images_busy", "no decoder")
        # The largest PNG is the raw pixels and some framing, so a child gone wrong can't fill our memory.
        most = pixels * 4 + _MEGABYTE
        try:
            with killed_after(self._wall_seconds, child.process):
                answer = child.ask({"pixels": pixels, "side": side}, data, most)
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            return self._lost(child, error)
        if isinstance(answer, Failed) and answer.error == "image_too_heavy":
            self._replace(child)  # it ran out of memory; a new one has all of it
        elif child.pictures >= self._pictures_per_child:
            self._replace(child)
        return answer

    def _ready_child(self) -> _Child:
        child = self._children.get(threading.get_ident())
        if child and child.process.poll() is None:
            return child
        if child:
            logger.warning("A decoder of pictures died between two pictures: %s", self._replace(child))
        child = _Child(self._memory_bytes, self._cpu_seconds)
        self._children[threading.get_ident()] = child
        return child

    def _lost(self, child: _Child, error: Exception) -> Failed:
        status = self._replace(child)
        # Killed for its time or memory, by us or by the kernel; anything else is the fault of the picture.
        heavy = status in (-signal.SIGKILL, -signal.SIGXCPU)
        logger.warning("A decoder of pictures was lost: exit %s, %s", status, type(error).__name__)
        return Failed("image_too_heavy" if heavy else "image_undecodable", f"exit {status}")

    def _replace(self, child: _Child) -> int:
        self._children.pop(threading.get_ident(), None)
        return child.end()


@contextlib.contextmanager
def killed_after(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill a process that is not done with what is inside of this after so many seconds."""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _memory_for(megapixels: float) -> int:
    # The most that was measured, a rotated lossless WebP with alpha, is 33 MB and 23 bytes a pixel.
    return int((256 + megapixels * 32) * _MEGABYTE)


decoders = DecoderPool(memory_bytes=_memory_for(settings.MMCHAT_MAX_IMAGE_MEGAPIXELS))
atexit.register(decoders.close)
