"""Write records as examples to train on: JSON of LLaVA's fine-tuning, pairs, and rows beside pictures.

LLaVA's format is that of docs/Finetune_Custom_Data.md there, with a list in `image` where there are several, as
LLaVA-NeXT reads it. Pairs have the columns of TRL's conversational preference data sets. The rows beside
pictures are the `metadata.jsonl` of an image folder of the `datasets` library. Trainers count `<image>`, one for each
picture, so one that somebody typed is kept from being read as such, as in prompts.
"""

import json
from typing import Any

from chat.prompts import neutral
from feedback.exchange.llava import IMAGE
from feedback.exchange.pictures import FOLDER
from feedback.exchange.records import Record, Turn


def is_example(record: Record) -> bool:
    """Take complete replies only, on the way to the last one too: what broke off would teach a model to break off."""
    return all(turn.complete and turn.reply for turn in record.turns)


def finetuning(record: Record) -> bytes | None:
    """Give one entry of LLaVA's list; None for a record that is none."""
    if not is_example(record) or not record.is_last:
        return None
    entry: dict[str, Any] = {"id": str(record.message_id)}
    images = [f"{FOLDER}/{picture.name}" for picture in record.pictures]
    if images:
        entry["image"] = images[0] if len(images) == 1 else images
    entry["model"] = record.model
    entry["conversations"] = [
        {"from": speaker, "value": text}
        for turn in record.turns
        for speaker, text in (("human", _asked(turn)), ("gpt", _typed(turn.reply)))
    ]
    return json.dumps(entry, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")


def preference(record: Record) -> bytes | None:
    """Give one pair: the conversation as `prompt`, the better and the worse reply; None where one of them broke off.

    What the prompt holds is not learnt, so replies that broke off may be in it.
    """
    rejected = record.rejected
    *before, last = record.turns
    if rejected is None or not rejected.complete or not (last.complete and last.reply):
        return None
    prompt = [message for turn in before for message in _messages(turn)]
    return _line(
        {
            "prompt": [*prompt, _user(last)],
            "chosen": [{"role": "assistant", "content": _typed(last.reply)}],
            "rejected": [{"role": "assistant", "content": _typed(rejected.text)}],
            "images": [f"{FOLDER}/{picture.name}" for picture in record.pictures],
            "chosen_model": record.model,
            "rejected_model": rejected.model,
            "chosen_id": str(record.message_id),
            "rejected_id": str(rejected.message_id),
            "conversation_id": str(record.conversation_id),
            "source": rejected.source,
        }
    )


def beside_pictures(record: Record) -> bytes | None:
    """Give the row of one conversation with pictures: `file_names` are those that `datasets` opens as `images`."""
    if not is_example(record) or not record.is_last or not record.pictures:
        return None
    return _line(
        {
            "images_file_names": [f"{FOLDER}/{picture.name}" for picture in record.pictures],
            "messages": [message for turn in record.turns for message in _messages(turn)],
            "model": record.model,
            "upvotes": record.votes.count("up"),
            "downvotes": record.votes.count("down"),
            "conversation_id": str(record.conversation_id),
            "message_id": str(record.message_id),
        }
    )


def _messages(turn: Turn) -> list[dict[str, str]]:
    return [_user(turn), {"role": "assistant", "content": _typed(turn.reply)}]


def _user(turn: Turn) -> dict[str, str]:
    return {"role": "user", "content": _asked(turn)}


def _asked(turn: Turn) -> str:
    return IMAGE * len(turn.images) + _typed(turn.text)


def _typed(text: str) -> str:
    return neutral.neutralise(text, (neutral.IMAGE,))


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
