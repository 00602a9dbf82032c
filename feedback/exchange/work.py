"""Where an export is written until it is complete: beside its final name, locked, with a journal to go on from."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_JOURNAL = "journal.json"
_FILES = "files"
_IS_THERE = "something is there already, which this export, a folder, would replace"


class NameTaken(Exception):
    """Another export writes to this name at this moment, or something stands there that an export must not replace."""

    def __init__(self, target: Path, why: str = "another export writes there just now") -> None:
        super().__init__(f"{target}: {why}")
        self.why = why


class Work:
    """A hidden folder `.<name>.part` beside the final name. Only the owner may read what is in it."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._folder = target.parent / f".{target.name}.part"
        self.files = self._folder / _FILES

    def journal(self) -> dict[str, Any] | None:
        """Give what was kept last; None for an export that begins."""
        try:
            return json.loads((self._folder / _JOURNAL).read_bytes())
        except (OSError, ValueError):
            return None

    def keep(self, journal: dict[str, Any]) -> None:
        """Keep how far the export is, whole or not at all."""
        part = self._folder / f"{_JOURNAL}.part"
        with part.open("w") as file:
            json.dump(journal, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._folder / _JOURNAL)

    def begin_anew(self) -> None:
        """Throw away what is there."""
        (self._folder / _JOURNAL).unlink(missing_ok=True)
        shutil.rmtree(self.files, ignore_errors=True)
        self.files.mkdir(mode=0o700)

    def publish(self, file: str | None) -> None:
        """Give one of the files, or with None all of them as a folder, the final name.

        Raises `NameTaken` where a folder of other things has come there.
        """
        if file is not None:
            os.replace(self.files / file, self.target)
        else:
            try:
                os.rename(self.files, self.target)
            except OSError:
                raise NameTaken(self.target, _IS_THERE) from None
        descriptor = os.open(self.target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.remove()

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def check_free(target: Path, is_folder: bool) -> None:
    """Raise `NameTaken` unless the name is free: a file replaces a file, a folder an empty folder only."""
    if is_folder and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise NameTaken(target, _IS_THERE)
    if not is_folder and target.is_dir():
        raise NameTaken(target, "this export is one file, and a folder has that name")


@contextmanager
def work_on(target: Path, is_folder: bool) -> Iterator[Work]:
    """Give the place to write an export to, for one process at a time.

    Raises `NameTaken` while another one has it, and as `check_free` does. Raises OSError.
    """
    check_free(target, is_folder)
    work = Work(target)
    work.files.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(work.files.parent, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NameTaken(target) from None
        if not _is(descriptor, work.files.parent):
            raise NameTaken(target)  # the one before has just ended
        work.files.mkdir(mode=0o700, exist_ok=True)
        yield work
    finally:
        os.close(descriptor)


def _is(descriptor: int, path: Path) -> bool:
    """Tell whether a path still leads to what was opened: who ends an export removes its folder."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
