"""Write records as the log lines of the LLaVA and InternVL servers.

The lines are those of `http_bot` and `vote_last_response` in llava/serve/gradio_web_server.py, one JSON
object a line. Times are Unix seconds with four decimals. Where those servers wrote the start as `finish`, these
lines hold the true end.
"""

import json
from datetime import datetime
from typing import Any

from feedback.exchange.records import Record, Turn

IMAGE = "<image>\n"
CURSOR = "▌"  # what those servers leave at the end of a reply that did not finish


def exact(record: Record) -> bytes:
    """Give a line exactly as those servers write it."""
    return json.dumps(line(record)).encode("ascii") + b"\n"


def with_ids(record: Record) -> bytes:
    """Give a line with the ids of conversation and reply behind the original fields."""
    ids = {"conversation_id": str(record.conversation_id), "message_id": str(record.message_id)}
    return json.dumps(line(record) | ids).encode("ascii") + b"\n"


def line(record: Record) -> dict[str, Any]:
    """Give the fields of one line in the order in which those servers write them; of an imported line its own."""
    if record.imported:
        return record.imported
    fields: dict[str, Any] = {"tstamp": seconds(record.when), "type": record.kind, "model": record.model}
    if record.kind == "chat":
        fields |= {"start": seconds(record.start or record.when), "finish": seconds(record.when)}
    fields["state"] = state(record)
    if record.kind == "chat":
        fields["images"] = [picture.md5 for picture in record.pictures]
    fields["ip"] = record.ip
    return fields


def state(record: Record) -> dict[str, Any]:
    family = record.family
    return {
        "system": family.system_text(record.system_message or None),
        "roles": list(family.roles),
        "messages": [message for turn in record.turns for message in _messages(family.roles, turn)],
        "offset": 0,
        "sep": family.sep,
        "sep2": family.sep2,
    }


def seconds(moment: datetime) -> float:
    return round(moment.timestamp(), 4)


def _messages(roles: tuple[str, str], turn: Turn) -> list[list[str | None]]:
    reply = turn.reply if turn.complete else (turn.reply + CURSOR if turn.reply else None)
    return [[roles[0], IMAGE * len(turn.images) + turn.text], [roles[1], reply]]
