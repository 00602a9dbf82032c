"""Bring an export to where it goes, whole or not at all."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO


def to_stream(pieces: Iterable[bytes], stream: BinaryIO) -> None:
    """Write to a stream until its reader goes away, as `head` does."""
    try:
        for piece in pieces:
            stream.write(piece)
        stream.flush()
    except BrokenPipeError:
        # Python flushes standard output once more at its exit, which would fail loudly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def to_file(pieces: Iterable[bytes], path: Path) -> None:
    """Write under a temporary name beside `path`, and give it its name when it is complete and on the disk.

    Two exports to one name don't mix: the last to finish stays. After an error nothing is left. Raises
    OSError. Only the owner may read the file.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
