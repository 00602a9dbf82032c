"""Take memory from a process that runs: put it into a control group with a limit, as systemd and Docker do."""

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
MORE = 256 * 2**10  # bytes that it may still take; what it has is counted elsewhere
_FILES = {"memory": "memory.limit_in_bytes", ".": "memory.max"}  # version 1, version 2


@contextlib.contextmanager
def no_more_memory(pid: int) -> Iterator[None]:
    """Let the kernel kill a process as soon as it takes more memory.

    Where no control group may be made, it gets at once the signal that the kernel would send.
    """
    group = _group()
    if group is None:
        os.kill(pid, signal.SIGKILL)
        yield
        return
    (group / "cgroup.procs").write_text(str(pid))
    try:
        yield
    finally:
        _remove(group)


def _group() -> Path | None:
    for controller, limit in _FILES.items():
        group = CONTROL_GROUPS / controller / f"mmchat-{uuid.uuid4().hex[:8]}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(MORE))
        except OSError:
            group.rmdir()
        else:
            for swap in ("memory.swappiness", "memory.swap.max"):
                with contextlib.suppress(OSError):
                    (group / swap).write_text("0")
            return group
    return None


def _remove(group: Path) -> None:
    for _ in range(100):  # the kernel lets go of a process's memory a little after its end
        with contextlib.suppress(OSError):
            return group.rmdir()
        time.sleep(0.05)
    group.rmdir()
