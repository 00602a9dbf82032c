"""Move a site from SQLite to PostgreSQL."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from chat.backup.backing_up import back_up
from chat.backup.errors import BackupFailed
from chat.models import ServerProcess


class Command(BaseCommand):
    help = (
        "Copy everything from the site's SQLite into an empty PostgreSQL, and compare rows and sums of each table. "
        "Media stay where they are. Stop the site first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="URL", help="postgres://user:password@host:5432/name")

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "sqlite":
            raise CommandError("this site is not on SQLite; `backup` and `restore` move any other way.")
        if not options["url"].startswith(("postgres://", "postgresql://")):
            raise CommandError("URL must begin with postgres://.")
        if ServerProcess.objects.exists():
            raise CommandError("the site runs, or was killed: stop it (or start and stop it once).")
        with tempfile.TemporaryDirectory(dir=settings.MMCHAT_DATA_DIR, prefix=".moving-") as folder:
            archive = Path(folder) / "rows.tar"
            try:
                told = back_up(archive, media=False)
            except (BackupFailed, OSError) as error:
                raise CommandError(str(error)) from None
            # A process of its own: settings and migrations are then those of the new database, and of no other.
            restored = subprocess.run(
                [sys.executable, "manage.py", "restore", str(archive)],
                cwd=settings.BASE_DIR,
                env={**os.environ, "DATABASE_URL": options["url"]},
                capture_output=True,
                text=True,
                check=False,
            )
        if restored.returncode:
            raise CommandError(f"nothing was moved: {restored.stderr.strip()}")
        for name, table in told["tables"].items():
            if table["rows"]:
                self.stdout.write(f"{table['rows']:>12,}  {name}")
        self.stdout.write(restored.stdout.strip())
        self.stdout.write(
            "Start the site with DATABASE_URL set to this address; the SQLite file stays as it is."
        )
