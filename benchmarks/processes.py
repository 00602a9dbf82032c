"""Start processes, see what they use, and leave none behind. Reads Linux's /proc."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def prepare() -> None:
    """Let a terminated benchmark end its processes too, and open as many files as the machine lets us."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str], port: int, seconds: float = 60
) -> Iterator[int]:
    """Run a server until the block ends; give its process id once it listens on `port`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        try:
            _wait_for(process, port, seconds, log)
            yield process.pid
        finally:
            end(process)


def end(process: subprocess.Popen) -> None:
    """End a process that leads a group of its own, and then whatever is left of the group."""
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_for(process: subprocess.Popen, port: int, seconds: float, log: Path) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}:\n{log.read_text()[-3000:]}")


class Usage:
    """CPU time and memory of a process with all its descendants, while the block runs.

    `cpu_seconds` counts user and system time, ended children included. `peak_megabytes` is the largest sum of
    resident memory seen, twice a second; pages that processes share count in each.
    """

    cpu_seconds = 0.0
    peak_megabytes = 0.0
    begin_megabytes = 0.0

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Usage":
        self._before = cpu_seconds(self._pid)
        self.begin_megabytes = self.peak_megabytes = resident_megabytes(self._pid)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self.cpu_seconds = cpu_seconds(self._pid) - self._before

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            self.peak_megabytes = max(self.peak_megabytes, resident_megabytes(self._pid))


def cpu_seconds(pid: int) -> float:
    return sum(sum(map(int, _stat(each)[11:15])) for each in tree(pid)) / _TICKS


def resident_megabytes(pid: int) -> float:
    return sum(int(_stat(each)[21]) for each in tree(pid)) * _PAGE / 2**20


def tree(pid: int) -> list[int]:
    """Give a process and its descendants, those that still run."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += tree(int(child))
    return [pid, *found] if Path(f"/proc/{pid}").exists() else found


def _stat(pid: int) -> list[str]:
    """Give the fields of /proc/PID/stat after the command's name: [11:15] are times, [21] resident pages."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 50
