"""Write everything that the site stores into one file, while it runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.backup.backing_up import back_up
from chat.backup.errors import BackupFailed


class Command(BaseCommand):
    help = "Write database, media and secret key into one archive, as they are at one moment, while the site runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="the archive, as site-2026-01-31.tar")
        parser.add_argument("--without-media", action="store_true", help="leave pictures and other files out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = back_up(options["file"], media=not options["without_media"])
        except (BackupFailed, OSError) as error:
            raise CommandError(str(error)) from None
        rows = sum(table["rows"] for table in told["tables"].values())
        self.stdout.write(f"{options['file']}: {rows:,} rows of {len(told['tables'])} tables")
        if media := told["media"]:
            self.stdout.write(f"  {media['files']:,} files, {media['bytes'] / 1e6:,.1f} MB")
        if told["missing"]:
            self.stdout.write(f"  {told['missing']:,} files that rows name were not there")
