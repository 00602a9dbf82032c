"""Fill the database of the settings with conversations: `python -m benchmarks.filling MESSAGES`.

Five turns in each conversation, with questions of 60 and replies of 300 characters; each tenth reply has a vote, each
fiftieth a flag.
"""

import datetime
import os
import sys
import uuid

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mmchat_site.settings")
django.setup()

from django.db import connection  # noqa: E402

from benchmarks.messages import Talk, add_messages  # noqa: E402 - models need the loaded apps
from chat.models import ChatModel, Conversation, Visitor  # noqa: E402
from feedback.models import Flag, Vote  # noqa: E402

TURNS = 5
CONVERSATIONS_AT_ONCE = 1_000
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
QUESTION = "What can you see in the second row, and how sure are you? "
REPLY = "There are three boxes in the second row; the largest one is blue, and its label can be read. " * 3
TALK = Talk(QUESTION, REPLY, 2 * TURNS, 1)


def fill(messages: int) -> None:
    names = ("llava-v1.5-7b", "internvl-chat-v1-5", "llava-v1.6-34b")
    models = [ChatModel.objects.get_or_create(name=name)[0] for name in names]
    number = 0
    for first in range(0, messages // (2 * TURNS), CONVERSATIONS_AT_ONCE):
        last = min(first + CONVERSATIONS_AT_ONCE, messages // (2 * TURNS))
        visitors = [Visitor(address_hash=uuid.uuid4().hex * 2) for _ in range(first, last)]
        conversations = [
            Conversation(visitor=visitor, model=models[place % 3], template="llava_v1", updated=START)
            for place, visitor in enumerate(visitors)
        ]
        Visitor.objects.bulk_create(visitors)
        Conversation.objects.bulk_create(conversations)
        beginnings = {
            each: START + datetime.timedelta(seconds=30 * place)
            for place, each in enumerate(conversations, first)
        }
        rows = add_messages(beginnings, TALK)
        replies = [reply for each in rows for reply in each[1::2]]
        voted = [reply for place, reply in enumerate(replies, number) if place % 10 == 0]
        flagged = [reply for place, reply in enumerate(replies, number) if place % 50 == 0]
        number += len(replies)
        Vote.objects.bulk_create(
            Vote(
                visitor_id=each.conversation.visitor_id,
                message=each,
                model_id=each.model_id,
                value="up",
                created=each.created,
                changed=each.created,
            )
            for each in voted
        )
        Flag.objects.bulk_create(
            Flag(visitor_id=each.conversation.visitor_id, message=each, reason="other", created=each.created)
            for each in flagged
        )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "VACUUM ANALYZE"
            )  # the benchmark's server does it by itself as little as it vacuums


if __name__ == "__main__":
    fill(int(sys.argv[1]))
