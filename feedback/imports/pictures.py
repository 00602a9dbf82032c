"""Find the image files that log lines name by their MD5, and keep what they show."""

import datetime
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from django.db import connection

from chat.images.errors import ImageRefused
from chat.images.store import max_bytes, store_under_name
from chat.models import Image
from feedback.imports.lines import Line

ENDINGS = (".jpg", ".png", ".jpeg", ".webp", ".gif")
FOLDER = "serve_images"
_AT_ONCE = 2  # as many as there are decoders
_PARTS = 500
_DAY = datetime.timedelta(days=1)

Problem = Callable[[Line, str], None]


class Pictures:
    """Give the rows of the pictures that lines name, making them of the files.

    Files lie in `serve_images` beside the log or where `folders` say, in a folder for each day or not. Their name is
    the key: a JPEG's own pixels have another MD5. `report` hears of files that are missing or refused.
    """

    def __init__(self, folders: Sequence[Path], report: Problem) -> None:
        self._folders = list(folders)
        self._report = report
        self._told: set[str] = set()
        self.stored = 0
        self.missing = 0

    def ids(self, lines: Iterable[Line]) -> dict[str, int]:
        """Give the id of each picture's row by its MD5. Must be called outside a transaction."""
        first: dict[str, Line] = {}
        for line in lines:
            for said in line.states:
                for turn in said.turns:
                    for name in turn.images:
                        if name:
                            first.setdefault(name, line)
        found, waiting = _known(first)
        unknown = {name: line for name, line in first.items() if name not in found or name in waiting}
        unknown = {name: line for name, line in unknown.items() if name not in self._told}
        if unknown:
            self._read(unknown)
            found |= _known(unknown)[0]
        return found

    def _read(self, wanted: dict[str, Line]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            problems = list(threads.map(self._keep, wanted, wanted.values()))
        missing = []
        for (name, line), problem in zip(wanted.items(), problems, strict=True):
            if problem is None:
                self.stored += 1
                continue
            self.missing += 1
            if len(self._told) < 100_000:
                self._told.add(name)
            missing.append(name)
            self._report(line, f"image {name}: {problem}")
        have = _known(missing)[0]
        Image.objects.bulk_create(
            [
                Image(md5=name, width=0, height=0, difference_hash=0, bytes=0)
                for name in missing
                if name not in have
            ],
            ignore_conflicts=True,
        )

    def _keep(self, name: str, line: Line) -> str | None:
        """Keep one picture; give what is wrong with it."""
        try:
            path = self._path(name, line)
            if path is None:
                return "there is no such file"
            if path.stat().st_size > max_bytes():
                return f"{path} is larger than the site takes"
            store_under_name(name, path.read_bytes())
        except ImageRefused as refused:
            return f"{path}: {refused.text}"
        except OSError as error:
            return f"could not be read or written: {error.strerror or error}"
        finally:
            connection.close()  # this thread's own
        return None

    def _path(self, name: str, line: Line) -> Path | None:
        beside = line.entry.file.path.parent / FOLDER
        for folder in [*self._folders, beside]:
            day = line.when
            near = [day, day - _DAY, day + _DAY]
            for place in [*(folder / f"{each:%Y-%m-%d}" for each in near), folder, *_days(folder)]:
                for ending in ENDINGS:
                    path = place / f"{name}{ending}"
                    if path.is_file():
                        return path
        return None


@cache
def _days(folder: Path) -> list[Path]:
    """Give the folders of days, the newest first."""
    try:
        return sorted((path for path in folder.iterdir() if path.is_dir()), reverse=True)
    except OSError:
        return []


def _known(names: Iterable[str]) -> tuple[dict[str, int], set[str]]:
    """Give the rows that there are by MD5, those with a file first, and which MD5s have none."""
    wanted = list(names)
    found: dict[str, int] = {}
    waiting: set[str] = set()
    for start in range(0, len(wanted), _PARTS):
        rows = Image.objects.filter(md5__in=wanted[start : start + _PARTS]).order_by("-width", "pk")
        for pk, md5, width in rows.values_list("pk", "md5", "width"):
            if md5 not in found:
                found[md5] = pk
                if not width:
                    waiting.add(md5)
    return found, waiting
