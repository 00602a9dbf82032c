"""Copy the pictures of an export beside its lines, each once."""

import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from django.core.files.storage import default_storage

from chat.images.blocks import is_blocked
from feedback.exchange.records import Picture

log = logging.getLogger(__name__)

FOLDER = "images"
LIST = "pictures"
PART = ".part"


class Pictures:
    """A folder that pictures are copied to as they are stored; it knows what is there, across interruptions too.

    A list outside of the export names them in their order: what was copied behind a mark may be of a conversation that
    is deleted by now.
    """

    def __init__(self, folder: Path, mark: int | None) -> None:
        self._folder = folder / FOLDER
        self._folder.mkdir(exist_ok=True)
        self._list = folder.parent / LIST
        if mark is None:
            self._list.write_bytes(b"")
        else:
            self._go_back_to(mark)

    def _go_back_to(self, mark: int) -> None:
        """Remove what was copied behind a mark. Raises FileNotFoundError where the list is gone."""
        with self._list.open("r+b") as file:
            file.seek(mark)
            for line in file:
                goal = self._folder / line.decode().rstrip("\n")
                goal.unlink(missing_ok=True)
                goal.with_suffix(PART).unlink(missing_ok=True)
            file.truncate(mark)

    def mark(self) -> int:
        """Tell how long the list is, once it is on the disk."""
        with self._list.open("rb") as file:
            os.fsync(file.fileno())
        return self._list.stat().st_size

    def bring(self, pictures: Iterable[Picture]) -> bool:
        """Copy those that are not there yet; False where one of them is blocked, gone or can't be read."""
        copied = [self._copy(picture) for picture in pictures]
        return all(copied)

    def _copy(self, picture: Picture) -> bool:
        goal = self._folder / picture.name
        if is_blocked(picture):
            return False
        if goal.exists():
            return True
        part = goal.with_suffix(PART)
        try:
            source = default_storage.open(picture.stored)
        except (OSError, ValueError):
            log.warning("a picture of an export is gone", extra={"image": picture.md5})
            return False
        with self._list.open("ab") as names:
            names.write(f"{picture.name}\n".encode())
        with source, part.open("wb") as file:
            shutil.copyfileobj(source, file)
        os.replace(part, goal)
        return True

    def count(self) -> int:
        return sum(entry.name.endswith(".png") for entry in os.scandir(self._folder))
