"""Fill the database of the settings with 90 days of a made-up site: `python -m benchmarks.activity MESSAGES`.

Synthetic: eight models, two of which count tokens; conversations of five turns, spread evenly over the days up to now;
each 25th reply fails, each 10th has a vote, each 50th an open flag. The same number gives the same rows but for their
ids and the moment at which they end.
"""

import datetime
import os
import random
import sys
import uuid
from collections import defaultdict
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mmchat_site.settings")
django.setup()

from django.db import models, transaction  # noqa: E402 - models need the loaded apps
from django.utils import timezone  # noqa: E402

from benchmarks.filling import QUESTION, REPLY  # noqa: E402
from chat.failures import WORDS  # noqa: E402
from chat.models import ChatModel, Conversation, Message, Visitor  # noqa: E402
from feedback.imports.insert import insert  # noqa: E402
from feedback.models import Flag, Vote  # noqa: E402

NAMES = (
    "llava-v1.5-7b", "llava-v1.5-13b", "llava-v1.6-34b", "llava-v1.6-vicuna-7b",
    "InternVL-Chat-V1-5", "InternVL2-8B", "InternVL2-26B", "InternVL2-Llama3-76B",
)  # fmt: skip
COUNTING = 2  # as many models have workers that count tokens
DAYS = 90
TURNS = 5
CONVERSATIONS_AT_ONCE = 2_000
CODES = sorted(WORDS)[:12]

Rows = dict[type[models.Model], list[dict[str, Any]]]


def fill(messages: int) -> None:
    chance = random.Random(1)
    known = [ChatModel.objects.get_or_create(name=name)[0].pk for name in NAMES]
    number = messages // (2 * TURNS)
    start = timezone.now() - datetime.timedelta(days=DAYS)
    step = datetime.timedelta(days=DAYS) / number
    for first in range(0, number, CONVERSATIONS_AT_ONCE):
        rows: Rows = defaultdict(list)
        for place in range(first, min(first + CONVERSATIONS_AT_ONCE, number)):
            _add_conversation(rows, start + place * step, known, chance)
        with transaction.atomic():
            for model in (Visitor, Conversation, Message):
                insert(model, rows[model])
            for model in (Vote, Flag):
                model.objects.bulk_create(model(**row) for row in rows[model])


def _add_conversation(rows: Rows, began: datetime.datetime, known: list[int], chance: random.Random) -> None:
    visitor, conversation, place = uuid.uuid4(), uuid.uuid4(), chance.randrange(len(known))
    rows[Visitor].append({"key": visitor, "address_hash": "0" * 64, "created": began})
    rows[Conversation].append(
        {
            "id": conversation,
            "visitor_id": visitor,
            "model_id": known[place],
            "template": "llava_v1",
            "created": began,
            "updated": began,
        }
    )
    parent = None
    for turn in range(TURNS):
        asked = began + datetime.timedelta(seconds=20 * turn)
        common = {"conversation_id": conversation, "created": asked}
        question, reply = uuid.uuid4(), uuid.uuid4()
        rows[Message].append(
            common
            | {"id": question, "parent_id": parent, "position": 2 * turn, "role": "user", "text": QUESTION}
        )
        first = asked + datetime.timedelta(seconds=chance.lognormvariate(-0.5 + place / 8, 0.6))
        failed = chance.random() < 0.04
        rows[Message].append(
            common
            | {
                "id": reply,
                "parent_id": question,
                "position": 2 * turn + 1,
                "role": "assistant",
                "text": "" if failed else REPLY,
                "state": "failed" if failed else "stopped" if chance.random() < 0.03 else "complete",
                "error_code": chance.choice(CODES) if failed else "",
                "model_id": known[place],
                "parameters": {},
                "sent": asked,
                "first_answered": None if failed else first,
                "finished": first + datetime.timedelta(seconds=chance.uniform(1 + place / 4, 8)),
                "output_tokens": None if failed or place >= COUNTING else len(REPLY) // 4,
            }
        )
        parent = reply
        opinion = {"visitor_id": visitor, "message_id": reply, "created": asked}
        if chance.random() < 0.1:
            liked = chance.random() < 0.55 + place / 25
            rows[Vote].append(
                opinion | {"model_id": known[place], "value": "up" if liked else "down", "changed": asked}
            )
        if chance.random() < 0.02:
            rows[Flag].append(opinion | {"reason": "other"})


if __name__ == "__main__":
    fill(int(sys.argv[1]))
