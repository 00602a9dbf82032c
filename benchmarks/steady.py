"""What a token costs while all replies run: without the start of any conversation and without the end of one."""

import threading
from types import TracebackType
from typing import NamedTuple

import requests

from benchmarks.processes import cpu_seconds

WATCH_SECONDS = 0.25


class Moment(NamedTuple):
    """What the worker had done, and what the server had used, at one moment."""

    began: int
    ended: int
    tokens: int
    cpu_seconds: float


class Watch:
    """Asks the worker how far it is and looks at the server's CPU time, four times a second while the block runs."""

    def __init__(self, server_pid: int, worker_url: str) -> None:
        self._pid, self._url = server_pid, worker_url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.moments: list[Moment] = []

    def __enter__(self) -> "Watch":
        self._session = requests.Session()
        self._before = self._progress()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._session.close()

    def _watch(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            now = self._progress()
            since = {name: count - self._before[name] for name, count in now.items()}
            self.moments.append(Moment(**since, cpu_seconds=cpu_seconds(self._pid)))

    def _progress(self) -> dict[str, int]:
        return self._session.get(f"{self._url}/progress", timeout=30).json()


def steady_ms_per_1000(moments: list[Moment], streams: int) -> float | None:
    """Give the CPU-milliseconds of 1000 tokens between the moment all replies run and the first end of one.

    None when that span is too short to tell: the clock of CPU time moves in steps of 10 ms.
    """
    steady = [each for each in moments if each.began == streams and each.ended == 0]
    if len(steady) < 2:
        return None
    tokens = steady[-1].tokens - steady[0].tokens
    used = steady[-1].cpu_seconds - steady[0].cpu_seconds
    return used * 1000 / tokens * 1000 if tokens and used >= 0.1 else None
