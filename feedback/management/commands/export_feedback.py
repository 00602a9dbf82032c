"""Write what visitors said, and said about it: log lines, tables, and data sets to train on."""

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.models import AuditEntry
from chat.refusals import Refused
from feedback.exchange import choice as choices
from feedback.exchange.export import check, export, to_stream
from feedback.exchange.formats import FORMATS
from feedback.exchange.work import NameTaken, check_free
from feedback.management.progress import Bar


class Command(BaseCommand):
    help = (
        "Write chats, votes, flags and preferences, oldest first, to a file, a folder or standard output. "
        "The export is one consistent view of the database; visitors can go on chatting meanwhile. "
        "One that broke off goes on where it was when the same is asked for again."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--format",
            choices=list(FORMATS),
            default="jsonl",
            help="; ".join(f"{name}: {each.title}" for name, each in FORMATS.items()) + " (default: jsonl)",
        )
        parser.add_argument(
            "--output",
            default="-",
            metavar="NAME",
            help="where to write; - is standard output (default). It appears only once it is complete.",
        )
        parser.add_argument(
            "--types", metavar="TYPE,…", help="which records; default: all that the format has"
        )
        parser.add_argument("--since", metavar="TIME", help="from this day or time on (UTC)")
        parser.add_argument("--until", metavar="TIME", help="before this day or time (UTC)")
        parser.add_argument("--models", metavar="NAME,…", help="only replies of these models")
        parser.add_argument("--languages", metavar="CODE,…", help="only conversations in these languages")
        parser.add_argument(
            "--votes", metavar="VOTE,…", help=f"only replies with such a vote, of {', '.join(choices.VOTES)}"
        )
        parser.add_argument(
            "--consent",
            metavar="WHICH",
            help="research: only conversations whose visitors allow it, the default where the site asks them; "
            "unrefused: all but of visitors who said no, the default elsewhere; any: these, too",
        )
        parser.add_argument(
            "--moderation",
            metavar="STATE,…",
            help=f"what moderators made of the reply, of {', '.join(choices.MODERATION)}; "
            f"default: all but {choices.HIDDEN}",
        )
        parser.add_argument("--images", action="store_true", help="copy the pictures too, into a folder")
        parser.add_argument(
            "--addresses",
            action="store_true",
            help="with visitors' addresses, or their keyed hashes where addresses are not kept",
        )
        parser.add_argument("--licence", metavar="TEXT", help="the licence that the data card states")

    def handle(self, *args: Any, **options: Any) -> None:
        name, output = options["format"], options["output"]
        progress = Bar("records") if sys.stderr.isatty() else None
        try:
            asked = {field: options[field] for field in choices.Choice.__dataclass_fields__}
            choice = choices.read(asked, FORMATS[name].kinds)
            check(name, choice)
            if output != "-":
                check_free(Path(output), FORMATS[name].makes_folder(choice))
            # Written before the first line leaves: an export that breaks off has given data out too.
            AuditEntry.objects.create(
                action="export",
                target="feedback",
                detail={"format": name, "output": output, **choice.described()},
            )
            if output == "-":
                to_stream(name, choice, sys.stdout.buffer, progress)
            else:
                done = export(name, choice, Path(output), progress)
                if done.resumed_at and progress:
                    progress.say(f"went on after {done.resumed_at:,} entries")
        except Refused as refused:
            raise CommandError(f"--{refused.field}: {refused.text}") from None
        except NameTaken as taken:
            raise CommandError(f"--output {output}: {taken.why}; choose another name.") from None
        except OSError as error:
            raise CommandError(f"Could not write {output}: {error.strerror or error}") from None
        finally:
            if progress:
                progress.end()
