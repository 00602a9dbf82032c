"""Make a site of an archive, in an empty database and an empty media folder, of either kind, of this version."""

import os
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files import File as DjangoFile
from django.core.files.storage import default_storage
from django.core.files.utils import validate_file_name
from django.core.management import call_command
from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from chat.backup import tables, versions
from chat.backup.archive import Archive, File, Media, Part, damaged, telling_damage
from chat.backup.backing_up import fingerprint
from chat.backup.errors import BackupFailed
from chat.migration_lock import one_at_a_time
from chat.models import AuditEntry


class Restored(NamedTuple):
    """What was restored: the manifest, which rows and files were held against, and whether the key is the old one."""

    manifest: dict[str, Any]
    has_old_key: bool


def restore(path: Path) -> Restored:
    """Restore an archive and compare what is stored then with it: rows, sums, files. Raises `BackupFailed`.

    The archive is read as a whole before anything is written. A database of an older version gets its tables as they
    were, its rows, and then the migrations that came since.
    """
    archive = _looked_through(path)
    # A site that starts meanwhile, as services do by themselves, waits for tables that are complete.
    with one_at_a_time():
        _refuse_unless_empty(archive)
        try:
            _make_tables(archive)
            with transaction.atomic():
                _fill(archive)
            if archive.manifest["media"]:
                _compare_media(archive)
            call_command("migrate", interactive=False, verbosity=0)
        except BaseException as error:
            _leave_nothing(archive, error)
            raise
    has_old_key = _keep_key(archive)
    rows = sum(table["rows"] for table in archive.manifest["tables"].values())
    AuditEntry.objects.create(action="restore", detail={"rows": rows, "made": archive.head["created"]})
    return Restored(archive.manifest, has_old_key)


def _leave_nothing(archive: Archive, why: BaseException) -> None:
    """Leave database and media folder as empty as they were found. Raises `BackupFailed` where that fails too."""
    try:
        # First of all: they may have filled the disk, and the database needs room to forget.
        if archive.manifest["media"]:
            _remove_files("")
        _drop_tables()
    except (DatabaseFailure, OSError) as error:
        raise BackupFailed(
            "remains_left",
            f"{why} – and what was begun is still there ({error}): empty the database and the media folder.",
        ) from why


def _looked_through(path: Path) -> Archive:
    """Read an archive as a whole and hold it against its manifest."""
    archive, media = Archive(path), Media()
    lines: dict[str, int] = {}
    with telling_damage(path):
        for member in archive.members():
            if isinstance(member, Part):
                lines[member.table] = lines.get(member.table, 0) + len(member.lines)
            else:
                _read_through(media, member)
        wanted = {name: told["rows"] for name, told in archive.manifest["tables"].items()}
    versions.refuse_newer(archive.head["migrations"])
    if lines != wanted:
        raise damaged("rows are missing")
    if (archive.manifest["media"] or Media().told()) != media.told():
        raise damaged("its files are not those of its list")
    return archive


def _read_through(media: Media, file: File) -> None:
    try:
        validate_file_name(file.name, allow_relative_path=True)
    except SuspiciousFileOperation:
        raise damaged(f"{file.name!r} is no name in the media folder") from None
    counted = media.add(file.name, file.size, file.content)
    while counted.read(2**20):
        pass


def _refuse_unless_empty(archive: Archive) -> None:
    if there := connection.introspection.table_names():
        raise BackupFailed(
            "site_not_empty",
            f"the database has tables already ({there[0]}, …), as a restore that was killed leaves them too; "
            "empty it, or name an empty one by DATABASE_URL or MMCHAT_DATA_DIR.",
        )
    if archive.manifest["media"] and (name := _any_file("")):
        raise BackupFailed(
            "site_not_empty",
            f"the media folder has files already ({name}); empty it, or name another MMCHAT_DATA_DIR.",
        )


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """Give the folders and files in a folder of the storage, none in one that is not there."""
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def _any_file(folder: str) -> str | None:
    folders, files = _listed(folder)
    if files:
        return os.path.join(folder, files[0])
    return next((found for name in folders if (found := _any_file(os.path.join(folder, name)))), None)


def _make_tables(archive: Archive) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(versions.newest(archive.head["migrations"]))


def _fill(archive: Archive) -> None:
    """Store rows and files, and compare each table with the archive's sum of it."""
    loader = MigrationExecutor(connection).loader
    state = loader.project_state(versions.newest(archive.head["migrations"]))
    kinds = tables.tables(state.apps)
    columns = {name: [field.attname for field in tables.columns(model)] for name, model in kinds.items()}
    for name in archive.manifest["tables"]:
        if name not in columns or columns[name] != archive.head["columns"].get(name):
            raise damaged(f"its table {name} is not that of its version")
    tables.clear(kinds.values())
    for member in archive.members():
        if isinstance(member, Part):
            if member.lines:
                tables.insert(kinds[member.table], member.lines, columns[member.table])
        else:
            _store(member)
    tables.set_sequences(kinds.values())
    for name, told in archive.manifest["tables"].items():
        if (found := tables.tally(kinds[name]).told()) != told:
            raise BackupFailed(
                "rows_differ", f"{name} has {found['rows']} rows of {told['rows']}, or they differ."
            )


def _store(file: File) -> None:
    # Two rows may name one file; the archive has it twice then, and comparing finds whether they are the same.
    if not default_storage.exists(file.name):
        default_storage.save(file.name, DjangoFile(file.content, file.name))


def _compare_media(archive: Archive) -> None:
    """Read what was stored, in the order of the archive, and compare it."""
    media = Media()
    for member in archive.members():
        if isinstance(member, File):
            with default_storage.open(member.name) as stored:
                _read_through(media, File(member.name, stored.size, stored))
    if media.told() != archive.manifest["media"]:
        raise BackupFailed("files_differ", "what the media folder holds is not what was written into it.")


def _drop_tables() -> None:
    """Leave a database as empty as it was found."""
    if connection.vendor == "sqlite":
        # To drop them takes room, which a full disk has not.
        connection.close()
        for end in ("", "-wal", "-shm"):
            Path(f"{connection.settings_dict['NAME']}{end}").unlink(missing_ok=True)
        return
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names():
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)} CASCADE")


def _remove_files(folder: str) -> None:
    """Leave the media folder as empty as it was found."""
    folders, files = _listed(folder)
    for name in files:
        default_storage.delete(os.path.join(folder, name))
    for name in folders:
        _remove_files(os.path.join(folder, name))


def _keep_key(archive: Archive) -> bool:
    """Put the archived secret key where sites keep it, unless the environment has one; tell whether it holds."""
    path = settings.MMCHAT_DATA_DIR / "secret_key"
    if archive.secret_key and not os.environ.get("MMCHAT_SECRET_KEY"):
        new = path.with_name("secret_key.new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(archive.secret_key)
        os.replace(new, path)
        return True
    return fingerprint(settings.SECRET_KEY) == archive.head["key"]
