"""Write what visitors said, and said about it, as log lines."""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.models import AuditEntry
from feedback.exchange import FORMATS, records
from feedback.exchange.destination import to_file, to_stream
from feedback.exchange.snapshot import snapshot

PROGRESS_SECONDS = 0.2


class Command(BaseCommand):
    help = (
        "Write chats, votes and flags, oldest first, to a file or standard output. "
        "The export is one consistent view of the database; visitors can go on chatting meanwhile."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--format",
            choices=sorted(FORMATS),
            default="jsonl",
            help="jsonl: the log lines of the LLaVA and InternVL servers (default)",
        )
        parser.add_argument(
            "--output",
            default="-",
            metavar="FILE",
            help="where to write; - is standard output (default). A file appears only once it is complete.",
        )
        parser.add_argument(
            "--types",
            type=_kinds,
            default=records.KINDS,
            metavar="TYPE,…",
            help=f"which lines to write, of {', '.join(records.KINDS)} (default: all)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        kinds, output = options["types"], options["output"]
        # Written before the first line leaves: an export that breaks off has given data out too.
        AuditEntry.objects.create(
            action="export",
            target="feedback",
            detail={"format": options["format"], "types": list(kinds), "output": output},
        )
        with snapshot():
            rows: Iterable[records.Record] = records.records(kinds)
            if sys.stderr.isatty():
                rows = _with_progress(rows, records.count(kinds))
            lines = FORMATS[options["format"]](rows)
            if output == "-":
                to_stream(lines, sys.stdout.buffer)
                return
            try:
                to_file(lines, Path(output))
            except OSError as error:
                raise CommandError(f"Could not write {output}: {error.strerror or error}") from None


def _kinds(text: str) -> tuple[records.Kind, ...]:
    wanted = {part.strip() for part in text.split(",")}
    if unknown := sorted(wanted.difference(records.KINDS)):
        raise argparse.ArgumentTypeError(
            f"unknown type {', '.join(map(repr, unknown))}; choose from {', '.join(records.KINDS)}"
        )
    return tuple(kind for kind in records.KINDS if kind in wanted)


def _with_progress(rows: Iterable[records.Record], total: int) -> Iterator[records.Record]:
    """Pass records on and tell on standard error, a few times a second, how far they are."""
    done, told = 0, time.monotonic()
    for done, row in enumerate(rows, start=1):
        yield row
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            print(f"\r{done:,} of {total:,} lines", end="", file=sys.stderr, flush=True)  # noqa: T201
    print(f"\r{done:,} of {total:,} lines", file=sys.stderr, flush=True)  # noqa: T201
