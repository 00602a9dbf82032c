"""Import log files: read, take apart, store, in batches that bound the memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from django.db import connection

from feedback.imports.batch import Importer
from feedback.imports.files import Entry, LogFile, Unplaced
from feedback.imports.lines import Line, read
from feedback.imports.pictures import Pictures

BATCH_LINES = 1000
BATCH_BYTES = 8 * 2**20

Report = Callable[[Path, int, str], None]
Progress = Callable[[int, int], None]


def run(
    files: Sequence[LogFile], folders: Sequence[Path], report: Report, progress: Progress
) -> Counter[str]:
    """Import these files in their order; give how many of what there was.

    `folders` are where image files lie beside `serve_images` of each log's own folder. `report` hears of each line or
    image that found no place: file, line, why. `progress` hears of bytes and lines read. Raises OSError.
    """
    counts: Counter[str] = Counter(lines=0, unplaced=0)

    def tell(entry: Entry, problem: str) -> None:
        counts["unplaced"] += 1
        report(entry.file.path, entry.number, problem)

    importer = Importer(lambda line, problem: tell(line.entry, problem))
    pictures = Pictures(
        folders, lambda line, problem: report(line.entry.file.path, line.entry.number, problem)
    )
    done = 0
    _prepare_database()
    for batch in _batches(entry for file in files for entry in file.entries()):
        lines: list[Line] = []
        for entry in batch:
            done += entry.size
            if entry.fields == {} and not entry.problem:
                continue
            counts["lines"] += 1
            try:
                if entry.fields is None:
                    raise Unplaced(entry.problem)
                lines.append(read(entry))
            except Unplaced as problem:
                tell(entry, str(problem))
        importer.store(lines, pictures.ids(lines))
        progress(done, counts["lines"])
    counts += importer.counts
    counts["images"], counts["images_missing"] = pictures.stored, pictures.missing
    return counts


def _prepare_database() -> None:
    """Let SQLite hold more in memory and write to its file less often: ids are random, so rows go everywhere in it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size = -65536")  # KiB
            cursor.execute("PRAGMA wal_autocheckpoint = 8192")  # pages of 4 KiB


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        batch.append(entry)
        size += entry.size
        if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
