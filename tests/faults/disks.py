"""Disks of a test's own that fill up or turn read-only: file systems in memory, mounted where a site stores things."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import parts

BALLAST = "ballast"


class Disk:
    """A small file system of its own; whatever is written to it counts, whoever writes."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._size = megabytes * 2**20
        folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={self._size},mode=0777", "mmchat-test", str(folder))

    def fill(self, leave: int = 0) -> None:
        """Leave only so many bytes free."""
        with (self.folder / BALLAST).open("ab") as file:
            while (wanted := shutil.disk_usage(self.folder).free - leave) > 0:
                with contextlib.suppress(OSError):  # somebody else wrote meanwhile
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, wanted)

    async def empty(self) -> None:
        """Wait until nothing is on it: a request's temporary file goes a moment after its answer has come."""
        async with asyncio.timeout(30):
            while shutil.disk_usage(self.folder).used:
                await asyncio.sleep(0.02)

    def free(self) -> None:
        (self.folder / BALLAST).unlink(missing_ok=True)

    def files(self) -> list[str]:
        """List the files on it that are not ballast."""
        return sorted(
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and path.name != BALLAST
        )

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        _run("mount", "-o", "remount,ro", str(self.folder))
        try:
            yield
        finally:
            _run("mount", "-o", "remount,rw", str(self.folder))

    def remove(self) -> None:
        # Lazily: a process that was killed a moment ago may still hold a file.
        _run("umount", "--lazy", str(self.folder))


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """Mount a small file system; where nobody may mount, the test is skipped, which CI does not allow."""
    try:
        disk = Disk(folder, megabytes)
    except subprocess.CalledProcessError as error:
        if parts.on_ci():
            raise
        pytest.skip(f"this test mounts a small file system, which takes root: {error.stderr.strip()}")
    try:
        yield disk
    finally:
        disk.remove()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
