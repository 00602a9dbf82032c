"""Conversations that took months, made in no time: rows put into a site's database behind its back."""

import contextlib
import sqlite3
import uuid
from datetime import datetime, timedelta


def lengthen(site, conversation: str, turns: int) -> None:
    """Let `turns` more turns follow the one turn of a conversation: "question 1", "answer 1", …"""
    with contextlib.closing(sqlite3.connect(site.folder / "mmchat.sqlite3", timeout=20)) as connection:
        connection.row_factory = sqlite3.Row
        key = uuid.UUID(conversation).hex
        rows = connection.execute(
            "SELECT * FROM chat_message WHERE conversation_id = ? ORDER BY position", [key]
        ).fetchall()
        assert len(rows) == 2
        last, made = rows[-1]["id"], []
        start = datetime.fromisoformat(rows[-1]["created"])
        for number in range(1, turns + 1):
            for row, words in zip(rows, ("question", "answer"), strict=True):
                new = {
                    **row,
                    "id": uuid.uuid4().hex,
                    "parent_id": last,
                    "position": 2 * number + row["position"],
                    "text": f"{words} {number}",
                    "client_id": None,
                    "created": str(start + timedelta(milliseconds=len(made) + 1)),
                }
                last = new["id"]
                made.append(new)
        names = list(made[0])
        connection.executemany(
            f"INSERT INTO chat_message ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
            [tuple(row.values()) for row in made],
        )
        connection.commit()


def copy_conversation(site, conversation: str, title: str, updated: datetime) -> None:
    """Make an empty conversation of the same visitor, last used at `updated`."""
    with contextlib.closing(sqlite3.connect(site.folder / "mmchat.sqlite3", timeout=20)) as connection:
        connection.row_factory = sqlite3.Row
        key = uuid.UUID(conversation).hex
        [row] = connection.execute("SELECT * FROM chat_conversation WHERE id = ?", [key]).fetchall()
        new = {**row, "id": uuid.uuid4().hex, "title": title, "updated": str(updated)}
        connection.execute(
            f"INSERT INTO chat_conversation ({', '.join(new)}) VALUES ({', '.join('?' * len(new))})",
            tuple(new.values()),
        )
        connection.commit()
