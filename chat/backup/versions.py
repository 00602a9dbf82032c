"""Which migrations a database has had, as an archive tells them."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from chat.backup.errors import BackupFailed

Applied = list[list[str]]  # [app, migration] each


def applied() -> Applied:
    """Give all migrations of this database. Raises `BackupFailed` where some have not run."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise BackupFailed(
            "not_migrated", "migrations have not run; `manage.py migrate` or `manage.py serve` does it."
        )
    known = executor.loader.graph.nodes
    return sorted(list(key) for key in executor.loader.applied_migrations if key in known)


def refuse_newer(archived: Applied) -> None:
    """Raise `BackupFailed` for an archive of a version that has migrations which this one does not know."""
    known = MigrationExecutor(connection).loader.graph.nodes
    if unknown := [".".join(key) for key in archived if tuple(key) not in known]:
        raise BackupFailed(
            "archive_newer",
            f"a newer version of mmchat made this archive ({unknown[-1]}); restore it with that one.",
        )


def newest(archived: Applied) -> list[tuple[str, str]]:
    """Give the last migration of each app, where a new database is to stop to be as the archived one was."""
    graph = MigrationExecutor(connection).loader.graph
    had = {(app, name) for app, name in archived}

    def has_later(key: tuple[str, str]) -> bool:
        return any(child.key in had and child.key[0] == key[0] for child in graph.node_map[key].children)

    return [key for key in sorted(had) if not has_later(key)]
