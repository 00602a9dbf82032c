"""Write records into files so that an export which breaks off can go on where it was.

A writer's `mark` brings all that it has written onto the disk and tells what `resume` needs to go on behind it.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

from feedback.exchange.pictures import Pictures
from feedback.exchange.records import Record

Mark = dict[str, int]
Encode = Callable[[Record], bytes | None]


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Writer(Protocol):
    """Takes the records of an export in their order; `written` and `without_pictures` count them."""

    written: int
    without_pictures: int

    def write(self, records: Iterable[Record]) -> None: ...

    def mark(self) -> Mark | None:
        """Tell where to go on; None where that is not possible just now."""

    def close(self, complete: bool) -> None: ...


class LineWriter:
    """Write one file, in which the records follow each other; with `pictures` their pictures beside it.

    Where a picture is gone, an example to train on is left out (`needs_all`), and any other record stays.
    """

    def __init__(
        self,
        path: Path,
        encode: Encode,
        pictures: Pictures | None,
        mark: Mark | None,
        needs_all: bool,
        header: bytes = b"",
        between: bytes = b"",
        footer: bytes = b"",
    ) -> None:
        self._encode, self._pictures = encode, pictures
        self._needs_all, self._between, self._footer = needs_all, between, footer
        self.written = mark["written"] if mark else 0
        self.without_pictures = mark["without_pictures"] if mark else 0
        self._file: BinaryIO = open(path, "r+b" if mark else "wb", opener=_for_its_owner)  # noqa: SIM115 - `close` does
        if mark:
            self._file.truncate(mark["bytes"])
            self._file.seek(mark["bytes"])
        else:
            self._file.write(header)

    def write(self, records: Iterable[Record]) -> None:
        for record in records:
            line = self._encode(record)
            if line is None:
                continue
            if self._pictures and not self._pictures.bring(record.pictures):
                self.without_pictures += 1
                if self._needs_all:
                    continue
            self._file.write(self._between + line if self.written else line)
            self.written += 1

    def mark(self) -> Mark:
        self._file.flush()
        os.fsync(self._file.fileno())
        return {
            "bytes": self._file.tell(),
            "written": self.written,
            "without_pictures": self.without_pictures,
            "pictures": self._pictures.mark() if self._pictures else 0,
        }

    def close(self, complete: bool) -> None:
        with self._file:
            if complete:
                self._file.write(self._footer)
                self._file.flush()
                os.fsync(self._file.fileno())
