"""Write records as the log lines of FastChat's servers.

The lines are those of `bot_response` and `vote_last_response` in fastchat/serve/gradio_web_server.py, with the state of
`State.dict()` there. Their own ids of conversations have 32 digits without dashes; so do these.
"""

import json
from typing import Any

from feedback.exchange.llava import CURSOR, seconds
from feedback.exchange.records import Record, Turn


def encode(record: Record) -> bytes:
    """Give one line."""
    return json.dumps(line(record)).encode("ascii") + b"\n"


def line(record: Record) -> dict[str, Any]:
    """Give the fields of one line in the order in which those servers write them; of an imported line its own."""
    if record.imported:
        return record.imported
    fields: dict[str, Any] = {"tstamp": seconds(record.when), "type": record.kind, "model": record.model}
    if record.kind == "chat":
        parameters = record.parameters
        fields["gen_params"] = {
            "temperature": parameters.get("temperature"),
            "top_p": parameters.get("top_p"),
            "max_new_tokens": parameters.get("max_output_tokens"),
        }
        fields |= {"start": seconds(record.start or record.when), "finish": seconds(record.when)}
    fields |= {"state": state(record), "ip": record.ip}
    if record.kind == "chat":
        fields["images"] = [picture.md5 for picture in record.pictures]
    return fields


def state(record: Record) -> dict[str, Any]:
    family = record.family
    fields = {
        "template_name": family.name,
        "system_message": family.system_text(record.system_message or None),
        "roles": list(family.roles),
        "messages": [message for turn in record.turns for message in _messages(family.roles, turn)],
        "offset": 0,
        "conv_id": record.conversation_id.hex,
        "model_name": record.model,
    }
    return fields | ({"has_csam_image": False} if record.pictures else {})


def _messages(roles: tuple[str, str], turn: Turn) -> list[list[Any]]:
    reply = turn.reply if turn.complete else (turn.reply + CURSOR if turn.reply else None)
    asked = [turn.text, [picture.md5 for picture in turn.images]] if turn.images else turn.text
    return [[roles[0], asked], [roles[1], reply]]
