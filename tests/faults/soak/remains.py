"""What a site must look like when all its visitors have gone: nothing runs, no file or row is left over."""

import contextlib
import os
import time
from pathlib import Path

import requests

from tests.faults.invariants import Books
from tests.faults.soak.ledger import Ledger
from tests.running import Site, wait_until

DAY = 24 * 3600
FILES = 3  # of a picture


def assert_no_process_left_over(books: Books, sites: list[Site]) -> None:
    """Processes that were killed are forgotten, with all they had."""
    alive = sorted(site.process.pid for site in sites)
    wait_until(
        lambda: sorted(pid for (pid,) in books.rows("SELECT pid FROM chat_serverprocess")) == alive,
        30,
        "the rows of dead processes to go",
    )


def assert_workers_idle(books: Books) -> None:
    """The worker that is left has ended every request."""
    lengths = []
    for (address,) in books.rows("SELECT address FROM chat_worker"):
        with contextlib.suppress(requests.ConnectionError):  # one that was killed
            answer = requests.post(f"{address}/worker_get_status", timeout=10)
            lengths.append(answer.json()["queue_length"])
    assert lengths == [0]


def assert_nothing_left_over(books: Books, site: Site, ledger: Ledger, processes_killed: int) -> int:
    """Each upload that was told has its row and files, and nothing else is left but by dead processes: so many files.

    A process that is killed between a file and its row leaves the file: two days later `manage.py purge` removes it,
    and finds nothing else to remove.
    """
    uploads = {str(key) for (key,) in books.rows("SELECT id FROM chat_upload")}
    assert uploads == set(ledger.uploads)
    assert books.rows("SELECT id FROM chat_image WHERE id NOT IN (SELECT image_id FROM chat_upload)") == []
    media = site.folder / "media"
    named = {name for row in books.rows("SELECT file, jpeg, thumbnail FROM chat_image") for name in row}
    files = _files(media)
    assert named - files == set()
    orphans = files - named
    assert len(orphans) <= FILES * processes_killed
    for name in files:
        os.utime(media / name, (time.time() - 2 * DAY,) * 2)
    books.rows("UPDATE chat_image SET created = created - interval '2 days' RETURNING id")
    purged = site.manage("purge")
    said = f"Removed: 0 conversations, 0 images, 0 visitors, {len(orphans)} files\n"
    assert (purged.returncode, purged.stdout) == (0, said), purged.stderr
    assert _files(media) == named
    return len(orphans)


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
