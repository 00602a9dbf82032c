"""Make one export: choose, read, write, and give it its name when it is complete.

What breaks off goes on at the next call with the same choice, format and target, where it was kept last: all heads
are looked at again, which is quick, and compared by a fingerprint. Where anything before that place has changed since,
the export begins anew. So an export that was interrupted has the bytes that one without interruption would have.
"""

import errno
import gc
import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from chat.models import BlockedImage
from chat.refusals import Refused
from chat.snapshot import snapshot
from feedback.exchange import heads, parquet
from feedback.exchange.card import README, Tally, card
from feedback.exchange.choice import Choice
from feedback.exchange.formats import FORMATS, Format
from feedback.exchange.pictures import FOLDER
from feedback.exchange.reading import Chosen, Reader
from feedback.exchange.work import Work, work_on
from feedback.exchange.writers import Mark

log = logging.getLogger(__name__)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
KEEP_SECONDS = 5.0  # between two times at which progress is kept
Progress = Callable[[int, int], None]  # heads looked at so far, of all
Batch = tuple[int, list[Chosen]]


@dataclass(frozen=True)
class Exported:
    """Say what came of an export: how many entries it has, and how many were there before it went on."""

    entries: int
    resumed_at: int


def check(format_name: str, choice: Choice) -> None:
    """Raise `Refused` for what a format can't do, before anything is written."""
    chosen = FORMATS[format_name]
    if chosen.needs_pictures and not choice.images:
        raise Refused(
            "filter_invalid", _("This format is made of pictures: ask for images."), "images", "true"
        )
    if format_name == "parquet" and not parquet.is_installed():
        raise Refused(
            "format_not_installed",
            _("Parquet needs pyarrow: pip install --require-hashes -r requirements-parquet.txt"),
            "format",
        )


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for cycles among new objects once in a hundred thousand of them; rows have none.

    By Python's own threshold of 700 that took a fifth of an export's time.
    """
    first, *later = gc.get_threshold()
    gc.set_threshold(100_000, *later)
    try:
        yield
    finally:
        gc.set_threshold(first, *later)


def export(format_name: str, choice: Choice, target: Path, progress: Progress | None = None) -> Exported:
    """Write an export to a file, or a folder for data sets and with pictures.

    Raises `Refused`, `NameTaken` and OSError. A disk that is full gets its space back; whatever else ends an
    export leaves what is written, beside the target, to go on from.
    """
    check(format_name, choice)
    chosen = FORMATS[format_name]
    is_folder = chosen.makes_folder(choice)
    with work_on(target, is_folder) as work, snapshot(), _rare_collections():
        try:
            run = _Run(work, format_name, choice, progress)
            run.write()
            if is_folder:
                run.write_card()
            work.publish(None if is_folder else chosen.file)
        except OSError as error:
            if error.errno in FULL:
                work.remove()
            raise
    return Exported(run.entries, run.resumed_at)


def to_stream(format_name: str, choice: Choice, stream: BinaryIO, progress: Progress | None = None) -> None:
    """Write an export of one file to a stream until its reader goes away, as `head` does."""
    check(format_name, choice)
    chosen = FORMATS[format_name]
    if chosen.makes_folder(choice) or chosen.encode is None:
        raise Refused("filter_invalid", _("This is a folder and needs a name."), "output")
    looked = written = 0
    try:
        with snapshot():
            total = heads.count(choice, chosen.as_logged) if progress else 0
            stream.write(chosen.header())
            reader = Reader(choice, chosen.as_logged)
            for number, batch in reader.batches():
                for record in reader.records(batch):
                    if line := chosen.encode(record):
                        stream.write(chosen.between + line if written else line)
                        written += 1
                looked += number
                if progress:
                    progress(looked, total)
            stream.write(chosen.footer)
        stream.flush()
    except BrokenPipeError:
        # Python flushes standard output once more at its exit, which would fail loudly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Run:
    """One export in its place, from its beginning or from where it was kept."""

    def __init__(self, work: Work, format_name: str, choice: Choice, progress: Progress | None) -> None:
        self._work, self._choice, self._progress = work, choice, progress
        self._format: Format = FORMATS[format_name]
        self._what = {"format": format_name, "choice": choice.described(), "version": 3}
        if choice.images:
            blocked = BlockedImage.objects.in_force().order_by("pk").values_list("md5", "width", "height")
            self._what["blocked"] = [list(each) for each in blocked]
        self._tally = Tally()
        self.resumed_at = 0
        self.entries = self._left_out = 0

    def write(self) -> None:
        journal = self._work.journal()
        if journal is None or journal["what"] != self._what or not self._go_on(journal):
            self._work.begin_anew()
            self._tally = Tally()
            self._write_from(0, hashlib.blake2b(digest_size=16), self._reader().batches(), None)

    def write_card(self) -> None:
        pictures = None
        if self._choice.images:
            pictures = sum(entry.name.endswith(".png") for entry in os.scandir(self._work.files / FOLDER))
        text = card(
            str(self._format.title),
            self._format.data,
            self._choice,
            self._tally,
            self.entries,
            self._left_out,
            "left out" if self._format.is_folder and self._format.encode else "kept without it",
            pictures,
        )
        with (self._work.files / README).open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def _reader(self) -> Reader:
        return Reader(self._choice, self._format.as_logged)

    def _go_on(self, journal: dict[str, Any]) -> bool:
        """Find the place where an earlier run was kept, and write from there; False where it is no longer the same."""
        batches = self._reader().batches()
        digest, looked = hashlib.blake2b(digest_size=16), 0
        while looked < journal["looked"]:
            number, batch = next(batches, (0, []))
            if not number:
                break
            looked += number
            for each in batch:
                digest.update(each.fingerprint())
        if (looked, digest.hexdigest()) != (journal["looked"], journal["digest"]):
            log.info("what an export held has changed since it broke off; it begins anew")
            return False
        self._tally = Tally.from_json(journal["tally"])
        self.resumed_at = journal["mark"]["written"]
        try:
            self._write_from(looked, digest, batches, journal["mark"])
        except FileNotFoundError:
            self.resumed_at = 0
            return False
        return True

    def _write_from(
        self, looked: int, digest: "hashlib.blake2b", batches: Iterator[Batch], mark: Mark | None
    ) -> None:
        total = heads.count(self._choice, self._format.as_logged) if self._progress else 0
        reader = self._reader()
        writer = self._format.writer(self._work.files, self._choice, mark)
        complete = False
        try:
            kept = time.monotonic()
            for number, batch in batches:
                records = list(reader.records(batch))
                writer.write(records)
                looked += number
                for each in batch:
                    digest.update(each.fingerprint())
                for record in records:
                    self._tally.add(record)
                if self._progress:
                    self._progress(looked, total)
                if time.monotonic() - kept > KEEP_SECONDS and (now := writer.mark()):
                    self._keep(looked, digest.hexdigest(), now)
                    kept = time.monotonic()
            complete = True
        finally:
            writer.close(complete)
        self.entries, self._left_out = writer.written, writer.without_pictures

    def _keep(self, looked: int, digest: str, mark: Mark) -> None:
        tally = self._tally.to_json()
        self._work.keep(
            {"what": self._what, "looked": looked, "digest": digest, "mark": mark, "tally": tally}
        )
