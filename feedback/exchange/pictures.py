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


class Pictures:
    """A folder that pictures are copied to as they are stored; it knows what is there, across interruptions too."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._folder.mkdir(exist_ok=True)

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
        part = goal.with_suffix(".part")
        try:
            source = default_storage.open(picture.stored)
        except (OSError, ValueError):
            log.warning("a picture of an export is gone", extra={"image": picture.md5})
            return False
        with source, part.open("wb") as file:
            shutil.copyfileobj(source, file)
        os.replace(part, goal)
        return True

    def count(self) -> int:
        return sum(entry.name.endswith(".png") for entry in os.scandir(self._folder))
