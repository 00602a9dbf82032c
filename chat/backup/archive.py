"""The archive of a backup: one tar file, written and read from beginning to end, in constant memory.

`head.json`, `tables/<app.model>/<number>.jsonl.gz` with some thousand rows each, `media/<name>`, `secret_key`, and at
the end `manifest.json` with what must be in it: rows and sum of each table, number, bytes and SHA-256 of the media, and
SHA-256s of the other parts; its own is `manifest.sha256`.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from chat.backup.errors import BackupFailed

_FORMATS = "mmchat backup "
FORMAT = f"{_FORMATS}1"
PART_BYTES = 4 * 2**20
_TABLES, _MEDIA = "tables/", "media/"
_HEAD, _KEY, _MANIFEST, _SUM = "head.json", "secret_key", "manifest.json", "manifest.sha256"


class Media:
    """Number, bytes and one SHA-256 of files, in the order in which they come."""

    def __init__(self) -> None:
        self.files = self.bytes = 0
        self._digest = hashlib.sha256()

    def add(self, name: str, size: int, content: IO[bytes]) -> "Counted":
        self.files, self.bytes = self.files + 1, self.bytes + size
        self._digest.update(f"{name}\0{size}\0".encode())
        return Counted(content, self._digest)

    def told(self) -> dict[str, Any]:
        return {"files": self.files, "bytes": self.bytes, "sha256": self._digest.hexdigest()}


class Counted(io.RawIOBase):
    """A file whose bytes count for a digest as they are read."""

    def __init__(self, file: IO[bytes], digest: Any) -> None:
        self._file, self._hash = file, digest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        read = self._file.read(size)
        self._hash.update(read)
        return read


class Part(NamedTuple):
    """Some thousand rows of a table, a line each."""

    table: str
    lines: list[bytes]


class File(NamedTuple):
    """A file of the media storage; to be read before the next member of the archive."""

    name: str
    size: int
    content: IO[bytes]


class Writer:
    """Write an archive beside its place; it has its name, and `manifest.json`, once it is complete."""

    def __init__(self, path: Path, head: dict[str, Any]) -> None:
        self._path, self._part = path, path.with_name(f".{path.name}.part")
        self.media: Media | None = Media()
        if path.exists():
            raise BackupFailed("file_exists", f"{path} is there already.")
        with contextlib.suppress(FileNotFoundError):
            self._part.unlink()
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w|")  # noqa: SIM115 - `close` and `drop` do
        self._sums: dict[str, str] = {}
        self._summed(_HEAD, json.dumps({"format": FORMAT, **head}).encode())

    def table(self, name: str, lines: Iterable[bytes]) -> None:
        """Add a table's rows, a line each."""
        part, size, number = [], 0, 0
        for line in lines:
            part.append(line)
            size += len(line)
            if size >= PART_BYTES:
                self._rows(name, number, part)
                part, size, number = [], 0, number + 1
        self._rows(name, number, part)

    def file(self, name: str, size: int, content: IO[bytes]) -> None:
        assert self.media is not None
        member = tarfile.TarInfo(_MEDIA + name)
        member.size, member.mode = size, 0o600
        self._tar.addfile(member, self.media.add(name, size, content))
        self._tar.members = []  # type: ignore[attr-defined]  # else it keeps one for each file

    def secret_key(self, key: str) -> None:
        self._summed(_KEY, key.encode())

    def close(self, manifest: dict[str, Any]) -> None:
        """Complete the archive: on the disk, and under its name."""
        text = json.dumps({**manifest, "parts": self._sums}).encode()
        self._add(_MANIFEST, text)
        self._add(_SUM, _sum(text).encode())
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        if not self._is_own():
            raise BackupFailed("file_exists", f"another process began to write {self._path} meanwhile.")
        self._file.close()
        os.replace(self._part, self._path)

    def drop(self) -> None:
        """Leave nothing of an archive that could not be completed."""
        if not self._file.closed and self._is_own():
            self._part.unlink()
        # Both still write what they hold, to a disk that may be full.
        with contextlib.suppress(OSError, ValueError):
            self._tar.close()
        with contextlib.suppress(OSError):
            self._file.close()

    def _is_own(self) -> bool:
        """Tell whether the file beside the place is this one's, and not that of a process that began later."""
        with contextlib.suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self._file.fileno()), self._part.stat(follow_symlinks=False))
        return False

    def _rows(self, name: str, number: int, lines: list[bytes]) -> None:
        self._add(f"{_TABLES}{name}/{number:06}.jsonl.gz", gzip.compress(b"".join(lines), 6, mtime=0))
        self._tar.members = []  # type: ignore[attr-defined]

    def _summed(self, name: str, content: bytes) -> None:
        self._sums[name] = _sum(content)
        self._add(name, content)

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))


class Archive:
    """An archive that is read. Raises `BackupFailed` for what is none, or is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.head: dict[str, Any] = {}
        self.manifest: dict[str, Any] = {}
        self.secret_key: str | None = None
        self._sums: dict[str, str] = {}

    def members(self) -> Iterator[Part | File]:
        """Read it once from beginning to end: parts of tables and files; the rest of it is known thereafter."""
        told = ""
        with tarfile.open(self._path, "r|") as tar:
            for member in tar:
                if not self.head and member.name != _HEAD:
                    break
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    raise damaged(f"{member.name} is no file")
                if member.name.startswith(_TABLES):
                    yield Part(member.name.split("/")[1], gzip.decompress(content.read()).splitlines())
                elif member.name.startswith(_MEDIA):
                    yield File(member.name.removeprefix(_MEDIA), member.size, content)
                elif member.name == _SUM:
                    told = content.read().decode()
                else:
                    self._keep(member.name, content.read())
                tar.members = []  # type: ignore[attr-defined]
        if not self.head:
            raise self._unknown()
        if not self.manifest or self._sums.pop(_MANIFEST) != told or self._sums != self.manifest["parts"]:
            raise damaged("its end is missing or was changed")

    def _keep(self, name: str, content: bytes) -> None:
        self._sums[name] = _sum(content)
        if name == _HEAD:
            self.head = json.loads(content)
            self._refuse_other_formats(str(self.head.get("format")))
        elif name == _MANIFEST:
            self.manifest = json.loads(content)
        elif name == _KEY:
            self.secret_key = content.decode()
        else:
            raise damaged(f"{name} does not belong in it")

    def _refuse_other_formats(self, format: str) -> None:
        if not format.startswith(_FORMATS):
            raise self._unknown()
        if format != FORMAT:
            raise BackupFailed(
                "archive_newer", "a newer version of mmchat made this archive; restore it with that one."
            )

    def _unknown(self) -> BackupFailed:
        return BackupFailed("archive_unknown", f"{self._path} is no backup of mmchat.")


@contextlib.contextmanager
def telling_damage(path: Path) -> Iterator[None]:
    """Say by name what is wrong with an archive that is read in here."""
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise BackupFailed("archive_unreadable", f"{path}: {error.strerror}.") from None
    # What gzip says of wrong bytes is an OSError.
    except (OSError, tarfile.TarError, zlib.error, EOFError, ValueError, KeyError) as error:
        raise damaged(str(error)) from None


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def damaged(why: str) -> BackupFailed:
    return BackupFailed("archive_damaged", f"the archive is damaged, nothing of it was restored: {why}.")
