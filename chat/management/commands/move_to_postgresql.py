"""Move a site from SQLite to PostgreSQL."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseFailure
from django.db import connection

from chat.backup import versions
from chat.backup.backing_up import back_up
from chat.backup.errors import BackupFailed
from chat.models import ServerProcess
from mmchat_site import startup

FOLDER = ".moving-"


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
        startup.end_on_sigterm()
        try:
            versions.applied()
            if ServerProcess.objects.exists():
                raise CommandError("the site runs, or was killed: stop it (or start and stop it once).")
            # A move that was killed could not remove its folder, with everything in it.
            for left in settings.MMCHAT_DATA_DIR.glob(f"{FOLDER}*"):
                shutil.rmtree(left)
            with tempfile.TemporaryDirectory(dir=settings.MMCHAT_DATA_DIR, prefix=FOLDER) as folder:
                archive = Path(folder) / "rows.tar"
                told = back_up(archive, media=False)
                said = _restored(archive, options["url"])
        except OSError as error:
            raise CommandError(
                f"{error.filename or settings.MMCHAT_DATA_DIR}: {error.strerror or error}"
            ) from None
        except (BackupFailed, DatabaseFailure) as error:
            raise CommandError(str(error)) from None
        for name, table in told["tables"].items():
            if table["rows"]:
                self.stdout.write(f"{table['rows']:>12,}  {name}")
        self.stdout.write(said)
        self.stdout.write(
            "Start the site with DATABASE_URL set to this address; the SQLite file stays as it is."
        )


def _restored(archive: Path, url: str) -> str:
    """Restore the archive into the new database; give what the command says. Raises `CommandError`."""
    # A process of its own: settings and migrations are then those of the new database, and of no other. In a session of
    # its own: Ctrl-C reaches it through this one, once, so that it can leave nothing behind.
    process = subprocess.Popen(
        [sys.executable, "manage.py", "restore", str(archive)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url, "MMCHAT_DATA_DIR": str(settings.MMCHAT_DATA_DIR)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, failed = process.communicate()
    except BaseException:
        process.terminate()
        process.communicate()
        raise
    if process.returncode:
        raise CommandError(f"nothing was moved: {failed.strip().removeprefix('CommandError: ')}")
    return said.strip()
