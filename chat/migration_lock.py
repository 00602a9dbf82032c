"""Let one process at a time make and change the tables of a database."""

import contextlib
from collections.abc import Iterator

from django.db import connection

MIGRATION_LOCK = 0x6D6D63686174  # "mmchat"; any number that nothing else locks


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let others that start on the same PostgreSQL wait: two that migrate at once fail."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
