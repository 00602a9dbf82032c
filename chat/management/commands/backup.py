"""Write everything that the site stores into one file, while it runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailure

from chat.backup.backing_up import back_up
from chat.backup.errors import BackupFailed
from chat.backup.reaching import reach_database
from mmchat_site import startup


class Command(BaseCommand):
    help = "Write database, media and secret key into one archive, as they are at one moment, while the site runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="the archive, as site-2026-01-31.tar")
        parser.add_argument("--without-media", action="store_true", help="leave pictures and other files out")

    def handle(self, *args: Any, **options: Any) -> None:
        startup.end_on_sigterm()  # so that nothing is left beside the archive's place
        try:
            reach_database()
            told = back_up(options["file"], media=not options["without_media"])
        except OSError as error:
            raise CommandError(f"{error.filename or options['file']}: {error.strerror or error}") from None
        except (BackupFailed, DatabaseFailure) as error:
            raise CommandError(" ".join(str(error).split())) from None
        rows = sum(table["rows"] for table in told["tables"].values())
        self.stdout.write(f"{options['file']}: {rows:,} rows of {len(told['tables'])} tables")
        if media := told["media"]:
            self.stdout.write(f"  {media['files']:,} files, {media['bytes'] / 1e6:,.1f} MB")
        if told["missing"]:
            self.stdout.write(f"  {told['missing']:,} files that rows name were not there")
