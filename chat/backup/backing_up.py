"""Write everything that a site stores into one archive, as it was at one moment, while it runs."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import Error as DatabaseFailure
from django.db import connection, models
from django.utils import timezone

from chat.backup import tables, versions
from chat.backup.archive import Writer
from chat.backup.errors import BackupFailed
from chat.models import AuditEntry
from chat.snapshot import snapshot


def back_up(path: Path, *, media: bool = True) -> dict[str, Any]:
    """Write database, media and secret key to `path`, which its owner alone can read; give the manifest.

    All of it is one consistent view of the database, and the files that it names. Raises `BackupFailed`.
    """
    with snapshot():
        kinds = tables.tables(apps)
        archive = Writer(path, _head(kinds))
        try:
            told: dict[str, Any] = {"tables": {}}
            for name, model in kinds.items():
                tally = tables.Tally()
                archive.table(name, _counted(model, tally))
                told["tables"][name] = tally.told()
            told["missing"] = _add_files(archive, kinds) if media else 0
            told["media"] = archive.media.told() if media and archive.media else None
            if key := kept_key():
                archive.secret_key(key)
            archive.close(told)
        except BaseException:
            archive.drop()
            raise
    rows = sum(table["rows"] for table in told["tables"].values())
    try:
        AuditEntry.objects.create(action="backup", detail={"rows": rows, "media": told["media"]})
    except DatabaseFailure as error:
        raise BackupFailed(
            "not_noted", f"{path} is complete, but the audit log has no entry of it: {error}."
        ) from None
    return told


def fingerprint(key: str) -> str:
    """Tell one secret key from another without telling it."""
    return hashlib.sha256(f"mmchat backup {key}".encode()).hexdigest()[:16]


def kept_key() -> str | None:
    """Give the secret key where it is kept in the data folder; one of the environment is the host's to keep."""
    path = settings.MMCHAT_DATA_DIR / "secret_key"
    kept = path.read_text().strip() if path.exists() else None
    return kept if kept == settings.SECRET_KEY else None


def _head(kinds: dict[str, tables.Model]) -> dict[str, Any]:
    return {
        "created": timezone.now().isoformat(timespec="seconds"),
        "database": connection.vendor,
        "migrations": versions.applied(),
        "key": fingerprint(settings.SECRET_KEY),
        "columns": {
            name: [field.attname for field in tables.columns(model)] for name, model in kinds.items()
        },
    }


def _counted(model: tables.Model, tally: tables.Tally) -> Iterator[bytes]:
    fields = tables.columns(model)
    for row in tables.rows(model):
        tally.add(fields, row)
        yield tables.written(row)


def _add_files(archive: Writer, kinds: dict[str, tables.Model]) -> int:
    """Add each file that a row names; give how many were not there (any more): a purge may run meanwhile."""
    missing = 0
    for model in kinds.values():
        fields = [field.attname for field in tables.columns(model) if isinstance(field, models.FileField)]
        if not fields:
            continue
        named = model._base_manager.order_by("pk").values_list(*fields)
        for names in named.iterator(chunk_size=tables.ROWS_AT_ONCE):
            for name in filter(None, names):
                try:
                    with default_storage.open(name) as file:
                        archive.file(name, file.size, file)
                except FileNotFoundError:
                    missing += 1
    return missing
