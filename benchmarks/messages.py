"""Messages in the conversations that benchmarks fill a database with; Django must be set up before this is imported."""

import datetime
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from chat.models import Conversation, Message


class Talk(NamedTuple):
    """What is said in a conversation, and in how many seconds one message follows another."""

    question: str
    reply: str
    messages: int
    seconds: int


def add_messages(beginnings: Mapping[Conversation, datetime.datetime], talk: Talk) -> list[list[Message]]:
    """Store the messages of conversations, each from its beginning on; give them by conversation."""
    made = [list(_messages(conversation, begun, talk)) for conversation, begun in beginnings.items()]
    for place in range(talk.messages):  # a message after the one that it follows
        Message.objects.bulk_create([each[place] for each in made])
    return made


def _messages(conversation: Conversation, begun: datetime.datetime, talk: Talk) -> Iterator[Message]:
    parent = None
    for position in range(talk.messages):
        asked = position % 2 == 0
        moment = begun + datetime.timedelta(seconds=talk.seconds * position)
        parent = Message(
            conversation=conversation,
            parent=parent,
            position=position,
            role="user" if asked else "assistant",
            text=talk.question if asked else talk.reply,
            created=moment,
            model=None if asked else conversation.model,
            parameters={} if asked else {"temperature": 0.2, "top_p": 0.7, "max_output_tokens": 1024},
            sent=None if asked else moment,
            first_answered=None if asked else moment,
            finished=None if asked else moment + datetime.timedelta(seconds=3),
        )
        yield parent
