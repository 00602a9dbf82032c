"""What every message reads from the database and administrators change once a week, kept for a moment."""

import time
import weakref
from collections.abc import Callable
from functools import update_wrapper
from typing import ClassVar, Generic, TypeVar

T = TypeVar("T")

SECONDS = 1.0  # so long a change in the admin may take to reach every process


class Kept(Generic[T]):
    """Call `read` at most once in `SECONDS`; who gets the value must not change it."""

    _all: ClassVar["weakref.WeakSet[Kept]"] = weakref.WeakSet()

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        update_wrapper(self, read)
        self._found: tuple[float, T] | None = None
        self._all.add(self)

    def __call__(self) -> T:
        now = time.monotonic()
        if self._found is None or now - self._found[0] >= SECONDS:
            self._found = (now, self._read())
        return self._found[1]

    def fresh(self) -> T | None:
        """Give what was read in the last `SECONDS`, and read nothing; None where nothing was."""
        found = self._found
        return found[1] if found and time.monotonic() - found[0] < SECONDS else None

    def last(self) -> T | None:
        """Give what was read last, however long ago, and read nothing; None where nothing was."""
        return self._found[1] if self._found else None

    @classmethod
    def forget_all(cls) -> None:
        """Read everything anew at the next call."""
        for kept in cls._all:
            kept._found = None
