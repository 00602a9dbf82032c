"""Does the database answer, has it the tables that this version needs, can it be written to, is there room?"""

import sqlite3
from pathlib import Path

from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from chat.doctor.finding import Finding, in_a_line, ok, warning, wrong
from chat.doctor.space import free_space
from chat.models import Chore

_WRITTEN = "doctor"  # a row that is taken back before anybody sees it


def database() -> list[Finding]:
    """Look at the database, and stop at the first thing that keeps the next ones from being seen."""
    try:
        _connect()
    except DatabaseFailure as error:
        return [wrong(f"The database does not answer: {in_a_line(error)}", _mend_reaching())]
    findings = [ok(f"{_name()} answers"), *_migrated()]
    if all(finding.state != "wrong" for finding in findings):
        findings.append(_writable())
    if folder := _folder():
        findings.append(free_space(folder))
    return findings


def _connect() -> None:
    alone = connection.copy()
    # A pool waits for long, and says then that it has waited, but not why.
    alone.settings_dict["OPTIONS"].pop("pool", None)
    try:
        alone.ensure_connection()
    finally:
        alone.close()


def _name() -> str:
    if connection.vendor == "postgresql":
        version = connection.pg_version  # type: ignore[attr-defined]  # of this vendor alone
        return f"PostgreSQL {version // 10000}.{version % 10000}"
    return f"SQLite {sqlite3.sqlite_version}, {connection.settings_dict['NAME']},"


def _mend_reaching() -> str:
    if connection.vendor == "postgresql":
        return "Does the server run, and do host, port, name, user and password in DATABASE_URL fit?"
    return (
        f"{connection.settings_dict['NAME']} and its folder must belong to the user that the site runs as "
        "(MMCHAT_DATA_DIR, DATABASE_URL)."
    )


def _migrated() -> list[Finding]:
    executor = MigrationExecutor(connection)
    loader = executor.loader
    if waiting := executor.migration_plan(loader.graph.leaf_nodes()):
        text = f"{len(waiting)} migrations have not run, {waiting[0][0]} first"
        return [wrong(text, "`manage.py migrate`; `manage.py serve` does it at its start.")]
    ours = ("chat", "feedback")
    unknown = [
        name for name in loader.applied_migrations if name[0] in ours and name not in loader.graph.nodes
    ]
    if unknown:
        text = (
            f"A newer version has changed the tables: {', '.join('.'.join(name) for name in sorted(unknown))}"
        )
        return [warning(text, "Start the newer version, or restore the copy from before the update.")]
    return [ok("All migrations have run")]


def _writable() -> Finding:
    try:
        with transaction.atomic():
            Chore.objects.create(name=_WRITTEN, due=timezone.now())
            transaction.set_rollback(True)
    except DatabaseFailure as error:
        mend = (
            "The file and its folder must be writable." if connection.vendor == "sqlite" else "See its log."
        )
        return wrong(f"Nothing can be written: {in_a_line(error)}", mend)
    return ok("It can be written to")


def _folder() -> Path | None:
    """Give the folder of SQLite's file, None for a database elsewhere."""
    if connection.vendor != "sqlite":
        return None
    folder = Path(connection.settings_dict["NAME"]).parent
    return folder if folder.is_dir() else None
