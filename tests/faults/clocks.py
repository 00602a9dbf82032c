"""Clocks that a test sets: a site under libfaketime is told a wrong date, while time passes for it as it does."""

import os
from pathlib import Path

from tests import parts

_LIBRARY = "faketime/libfaketimeMT.so.1"  # the one for programs with threads


class Clock:
    """The clock of the processes that are started with its `environment`, so many hours off."""

    def __init__(self, folder: Path, hours: int = 0) -> None:
        self._file = folder / f"clock-{os.urandom(4).hex()}"
        self._hours = 0
        self.step(hours)
        remove_leftovers()
        self.environment = {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # after so many seconds they notice that the clock was set
            # As when an administrator or NTP sets a machine's clock: timers go on.
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            # Without it, libfaketime 0.9.10 ends every short wait of Python's threads at once: they spin.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def step(self, hours: int) -> None:
        """Set the clock on or back, for processes that run too; whole, because they read it any time."""
        self._hours += hours
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._hours:+d}h\n")
        new.replace(self._file)


def remove_leftovers() -> None:
    """Remove what libfaketime leaves behind in memory for a process that was killed."""
    for path in Path("/dev/shm").glob("*faketime_s*_*"):
        if not Path(f"/proc/{path.name.rpartition('_')[2]}").exists():
            path.unlink(missing_ok=True)


def library() -> Path:
    """Find libfaketime, or install Debian's where that is allowed."""
    parts.program("faketime", "faketime")
    return next(Path("/usr/lib").glob(f"*/{_LIBRARY}"), None) or next(Path("/usr/lib").glob(_LIBRARY))
