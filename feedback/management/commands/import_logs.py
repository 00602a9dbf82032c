"""Read the logs of other servers into conversations, votes and flags."""

import argparse
import contextlib
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from chat.models import AuditEntry
from feedback.imports.files import log_files
from feedback.imports.run import run
from feedback.management.progress import Bar

COLLECT = (50_000, 20, 20)  # objects, and collections of younger ones, before the next; see gc.set_threshold
_TOLD = {
    "conversations": "conversations",
    "chats": "replies",
    "votes": "votes",
    "flags": "flags",
    "battles": "battles",
    "images": "images",
    "images_missing": "images without a file",
    "repeated": "lines that were here already",
    "unplaced": "lines without a place",
}


class Command(BaseCommand):
    help = (
        "Import log lines of LLaVA's, InternVL's and FastChat's servers and of InternVL's Streamlit demo, with their "
        "images. Importing a file again adds only what is new in it."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "paths", nargs="+", type=Path, metavar="PATH", help="a log file, or a folder with *-conv.json"
        )
        parser.add_argument(
            "--images",
            action="append",
            default=[],
            type=Path,
            metavar="FOLDER",
            help="where image files lie, beside serve_images in the log's own folder; may be given again",
        )
        parser.add_argument(
            "--encoding", metavar="NAME", help="what lines that are not UTF-8 are in, such as gb18030"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["encoding"]:
            try:
                "".encode(options["encoding"])
            except LookupError:
                raise CommandError(f"--encoding: there is no encoding {options['encoding']!r}") from None
        for folder in options["images"]:
            if not folder.is_dir():
                raise CommandError(f"--images: {folder} is no folder")
        try:
            files = log_files(options["paths"], options["encoding"])
            total = sum(file.path.stat().st_size for file in files)
        except OSError as error:
            raise CommandError(f"Could not read {error.filename or error}: no such file or folder") from None
        bar = Bar("lines") if sys.stderr.isatty() else None
        imported = 0
        # Written before the first line is stored: an import that breaks off has brought something, too.
        _audit("import", files=len(files), paths=[str(path) for path in options["paths"]])

        def progress(done: int, lines: int) -> None:
            nonlocal imported
            imported = lines
            if bar:
                bar(done, total, f"{lines:,} lines  {bar.speed(lines):,.0f}/s")

        try:
            with _rare_collections():
                counts = run(files, options["images"], self._report, progress)
        except (OSError, DatabaseError, KeyboardInterrupt) as error:
            why = str(error) or type(error).__name__
            with contextlib.suppress(DatabaseError):
                _audit("import_stopped", lines=imported, why=type(error).__name__)
            raise CommandError(
                f"Stopped: {why}. What was read before is imported; run it again to go on."
            ) from None
        finally:
            if bar:
                bar.end()
        _audit("import_complete", **counts)
        told = ", ".join(f"{counts[name]:,} {words}" for name, words in _TOLD.items() if counts[name])
        self.stdout.write(f"{counts['lines']:,} lines in {len(files):,} files: {told or 'nothing new'}")

    def _report(self, path: Path, number: int, problem: str) -> None:
        self.stdout.write(f"{path}:{number}: {problem}")


def _audit(action: str, **detail: Any) -> None:
    AuditEntry.objects.create(action=action, target="feedback", detail=detail)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage seldom, and not in the program itself: a quarter of an import's time would go into that."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
