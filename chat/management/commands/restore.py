"""Make a site of a backup."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailure

from chat.backup.errors import BackupFailed
from chat.backup.reaching import reach_database
from chat.backup.restoring import restore
from mmchat_site import startup


class Command(BaseCommand):
    help = (
        "Restore an archive of `manage.py backup` into an empty database and an empty data folder, and compare what is "
        "stored then with the archive."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="the archive")

    def handle(self, *args: Any, **options: Any) -> None:
        startup.end_on_sigterm()  # so that what was begun does not stay
        try:
            reach_database()
            manifest, has_old_key = restore(options["file"])
        except (BackupFailed, DatabaseFailure, OSError) as error:
            raise CommandError(" ".join(str(error).split())) from None
        rows = sum(table["rows"] for table in manifest["tables"].values())
        self.stdout.write(f"{rows:,} rows of {len(manifest['tables'])} tables restored and compared")
        if media := manifest["media"]:
            self.stdout.write(
                f"{media['files']:,} files, {media['bytes'] / 1e6:,.1f} MB, restored and compared"
            )
        if not has_old_key:
            self.stdout.write(
                "The secret key is another one than that of the archived site: visitors begin anew unless you set "
                "MMCHAT_SECRET_KEY to the old one."
            )
