"""A classifier of images on this machine: NudeNet, an extra whose wheel brings its model (12 MB).

https://github.com/notAI-tech/NudeNet
"""

import atexit
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late

from django.conf import settings

from chat.images.decode import read_frame, write_frame
from chat.images.pool import killed_after
from chat.models import Image
from chat.moderation.checks import Check, Deadline, Finding, Subject, Unavailable

# What it objects to where no threshold says otherwise, from which score.
OBJECTIONABLE = (
    "ANUS_EXPOSED",
    "BUTTOCKS_EXPOSED",
    "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
)
USUAL_SCORE = 0.5
_MOST_ANSWER_BYTES = 10_000


def is_installed() -> bool:
    """Tell whether the extra is there."""
    return importlib.util.find_spec("nudenet") is not None


def examine(check: Check, subject: Subject) -> Finding:
    """Give the highest score of each label over all images."""
    deadline = Deadline(check.row.timeout)
    scores: dict[str, float] = {}
    for image in subject.images:
        for label, score in classifier.scores(_small(image), deadline).items():
            scores[label] = max(scores.get(label, 0.0), score)
    found = frozenset(label for label in OBJECTIONABLE if scores.get(label, 0.0) >= USUAL_SCORE)
    return Finding(found, scores, bool(found))


def _small(image: Image) -> bytes:
    """Read the thumbnail: 512 pixels, of which the model sees 320."""
    try:
        with image.thumbnail.storage.open(str(image.thumbnail.name)) as file:
            return file.read()
    except OSError:
        raise Unavailable("an image can't be read") from None


class Classifier:
    """One child that classifies, started with the first image, and the one thread that asks it.

    On Linux a child dies with the thread that started it, and the threads of requests come and go.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mmchat-classifier")
        self._child: subprocess.Popen[bytes] | None = None

    def scores(self, data: bytes, deadline: Deadline) -> dict[str, float]:
        """Classify a picture's file. Blocks; raises `Unavailable`."""
        if not is_installed():
            raise Unavailable("NudeNet is not installed")
        try:
            asked = self._thread.submit(self._ask, data, deadline)
            return asked.result(deadline.left())
        except Late:
            asked.cancel()
            raise Unavailable("the answer took too long") from None
        except (CancelledError, RuntimeError):  # so the executor says that it was shut down
            raise Unavailable("the site is going down") from None

    def process_id(self) -> int | None:
        """Give the child, if one runs."""
        return self._child.pid if self._child else None

    def close(self) -> None:
        """End the child and the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        if child := self._child:
            child.kill()
        self._thread.shutdown(wait=True)
        self._end()

    def _ask(self, data: bytes, deadline: Deadline) -> dict[str, float]:
        left = deadline.left()
        child = self._ready_child()
        assert child.stdin
        assert child.stdout
        try:
            with killed_after(left, child):
                write_frame(child.stdin, data)
                answer = json.loads(read_frame(child.stdout, _MOST_ANSWER_BYTES))
        except (OSError, EOFError, ValueError) as error:
            self._end()
            deadline.left()
            raise Unavailable(f"the classifier was lost: {type(error).__name__}") from None
        if "error" in answer:
            raise Unavailable(f"the classifier failed: {answer['error']}")
        return answer

    def _ready_child(self) -> subprocess.Popen[bytes]:
        if self._child and self._child.poll() is None:
            return self._child
        self._end()
        # Of the environment, which holds keys, a child sees only what finding Python's own libraries takes.
        environment = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PATH") if name in os.environ}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "chat.moderation.classifying"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=settings.BASE_DIR,
            env=environment,
            start_new_session=True,  # Ctrl-C in the terminal is for the site, which then ends its children
        )
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):  # closing writes what a dead child did not read
                if pipe:
                    pipe.close()


classifier = Classifier()
atexit.register(classifier.close)
