"""Can pictures be stored and read, and is there room for more?"""

import uuid
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from chat.doctor.finding import Finding, in_a_line, ok, wrong
from chat.doctor.space import free_space

_CONTENT = b"mmchat"


def media() -> list[Finding]:
    """Write a small file where pictures are, read it, and remove it."""
    folder = Path(default_storage.location) if isinstance(default_storage, FileSystemStorage) else None
    place = str(folder or type(default_storage).__name__)
    try:
        name = default_storage.save(f"doctor-{uuid.uuid4()}", ContentFile(_CONTENT))
        try:
            with default_storage.open(name) as file:
                same = file.read() == _CONTENT
        finally:
            default_storage.delete(name)
    except OSError as error:
        return [
            wrong(
                f"Pictures can't be stored in {place}: {in_a_line(error)}",
                "The folder must belong to the user that the site runs as, on a disk that can be written.",
            )
        ]
    if not same:
        return [
            wrong(f"{place} gives back something else than was stored", "Look at the disk or the service.")
        ]
    return [ok(f"Pictures can be stored in {place}"), *([free_space(folder)] if folder else [])]
