"""Reach the database of a command that works alone, outside the server."""

from django.db import Error as DatabaseFailure
from django.db import connection

from chat.backup.errors import BackupFailed


def reach_database() -> None:
    """Connect to the database, or say why that can't be. Raises `BackupFailed`."""
    # A pool waits for long, and says then that it has waited, but not why.
    connection.settings_dict["OPTIONS"].pop("pool", None)
    try:
        connection.ensure_connection()
    except DatabaseFailure as error:
        reason = " ".join(str(error).split())
        raise BackupFailed(
            "database_away", f"the database does not answer (DATABASE_URL, MMCHAT_DATA_DIR): {reason}"
        ) from None
