"""Write records as rows of a table: one for each reply, vote or flag, what was asked and said beside it."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from feedback.exchange.records import Record

COLUMNS = (
    "type",
    "time",
    "start",
    "model",
    "template",
    "system",
    "conversation_id",
    "message_id",
    "language",
    "turns",
    "question",
    "reply",
    "complete",
    "images",
    "messages",
    "parameters",
    "upvotes",
    "downvotes",
    "moderation",
    "reasons",
    "comment",
    "boxes",
    "flag_state",
    "address",
)
# With which a spreadsheet begins a formula, in full width too; the apostrophe is among them, so that it can be taken
# off again.
_ACTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n", "'")


def row(record: Record) -> dict[str, Any]:
    """Give the values of one row by column; times are aware datetimes."""
    last = record.turns[-1]
    return {
        "type": record.kind,
        "time": record.when,
        "start": record.start,
        "model": record.model,
        "template": record.family.name,
        "system": record.family.system_text(record.system_message or None),
        "conversation_id": str(record.conversation_id),
        "message_id": str(record.message_id),
        "language": record.language,
        "turns": len(record.turns),
        "question": last.text,
        "reply": last.reply,
        "complete": last.complete,
        "images": [picture.name for picture in record.pictures],
        "messages": messages(record),
        "parameters": json.dumps(record.parameters, sort_keys=True),
        "upvotes": record.votes.count("up"),
        "downvotes": record.votes.count("down"),
        "moderation": record.moderation,
        "reasons": list(record.said.reasons),
        "comment": record.said.comment,
        "boxes": json.dumps(record.said.boxes),
        "flag_state": record.said.state,
        "address": record.ip,
    }


def messages(record: Record) -> list[dict[str, Any]]:
    """Give the conversation in turn: role (`user` or `assistant`), text, names of pictures."""
    found: list[dict[str, Any]] = []
    for turn in record.turns:
        images = [picture.name for picture in turn.images]
        found.append({"role": "user", "content": turn.text, "images": images})
        found.append({"role": "assistant", "content": turn.reply, "images": []})
    return found


def header() -> bytes:
    return _line(COLUMNS)


def encode(record: Record) -> bytes:
    """Give one line of CSV."""
    return _line([_cell(value) for value in row(record).values()])


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = " ".join(value)
    elif isinstance(value, list | Mapping):
        value = json.dumps(value, ensure_ascii=False)
    return harmless(value) if isinstance(value, str) else value


def harmless(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula, or that begins with one."""
    return "'" + text if text.startswith(_ACTS) else text


def _line(values: Any) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue().encode("utf-8", "backslashreplace")
