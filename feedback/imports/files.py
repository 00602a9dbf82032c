"""Read log files line by line, in memory that does not depend on their size."""

import codecs
import datetime
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_BYTES = 16 * 2**20  # of one line
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_SIXTEEN_BITS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Unplaced(Exception):
    """A line, or a part of it, could not be imported; the argument says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one line of a file: its number from 1, how many bytes, and its JSON object or why it has none."""

    file: "LogFile"
    number: int
    size: int
    fields: dict[str, Any] | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of log lines. `encoding` is what lines that are not UTF-8 may be in."""

    path: Path
    encoding: str | None = None

    @property
    def day(self) -> datetime.datetime:
        """Give the day that the name tells, or that of the last change, at midnight UTC."""
        found = _DAY.search(self.path.name)
        if found:
            try:
                return datetime.datetime(*map(int, found.groups()), tzinfo=datetime.UTC)  # type: ignore[misc,arg-type]
            except ValueError:
                pass
        changed = datetime.datetime.fromtimestamp(self.path.stat().st_mtime, datetime.UTC)
        return changed.replace(hour=0, minute=0, second=0, microsecond=0)

    def entries(self) -> Iterator[Entry]:
        """Give all lines that are not blank. Raises OSError."""
        with self.path.open("rb") as file:
            number = 0
            while line := file.readline(MOST_BYTES + 1):
                number += 1
                size = len(line)
                if size > MOST_BYTES and not line.endswith(b"\n"):
                    while line and not line.endswith(b"\n"):
                        line = file.readline(MOST_BYTES)
                        size += len(line)
                    yield Entry(self, number, size, None, f"longer than {MOST_BYTES:,} bytes")
                    continue
                if number == 1:
                    if line.startswith(_SIXTEEN_BITS):
                        yield Entry(self, number, size, None, "the file is UTF-16; convert it to UTF-8")
                        return
                    line = line.removeprefix(codecs.BOM_UTF8)
                if line.isspace():
                    yield Entry(self, number, size, {})
                    continue
                try:
                    yield Entry(self, number, size, self._parsed(line))
                except Unplaced as problem:
                    yield Entry(self, number, size, None, str(problem))

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            fields = json.loads(self._text(line))
        except ValueError as error:
            raise Unplaced(f"no JSON: {error}") from None
        except RecursionError:
            raise Unplaced("no JSON that could be read: nested too deeply") from None
        if not isinstance(fields, dict):
            raise Unplaced("no JSON object")
        if not fields:
            raise Unplaced("the JSON object is empty")
        return fields

    def _text(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            place = error.start + 1
        if self.encoding is None:
            raise Unplaced(f"not UTF-8 at byte {place}; --encoding names another encoding")
        try:
            return line.decode(self.encoding)
        except UnicodeDecodeError:
            raise Unplaced(f"neither UTF-8 (at byte {place}) nor {self.encoding}") from None


def log_files(paths: list[Path], encoding: str | None) -> list[LogFile]:
    """Give the files of these paths, by name; of a folder all that end with `-conv.json`, at any depth.

    Raises FileNotFoundError for a path that is not there.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += path.rglob("*-conv.json")
        elif path.exists():
            found.append(path)
        else:
            raise FileNotFoundError(path)
    return [LogFile(path, encoding) for path in sorted(set(found), key=lambda path: (path.name, path))]
