"""A change of feedback reaches the visitor's other tabs."""

import asyncio

import pytest
from django.db import connection
from django.urls import reverse

from chat.conversations import opinions
from chat.events import Opinion
from chat.generation.engine import close_engine, running_engine
from tests.feedback.stories import exchange, make_conversation


class Tab:
    """A socket that follows a conversation, without its connection."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue = asyncio.Queue()

    async def announced(self, event: dict) -> None:
        self.heard.put_nowait(event)


def send(tab, address: str, data: dict):
    try:
        return tab.post(address, data, content_type="application/json")
    finally:
        connection.close()  # this thread's own


@pytest.mark.django_db(transaction=True)
async def test_followers_of_the_conversation_hear_of_votes_and_flags(tab, reply):
    engine, follower = await running_engine(), Tab()
    engine.followers.join(reply.conversation_id, follower)
    try:
        for name, data, vote, flagged in (
            ("vote", {"value": "up"}, "up", False),
            ("flag", {"reason": "other"}, "up", True),
            ("vote", {"value": None}, None, True),
        ):
            address = reverse(f"feedback:{name}", args=[reply.pk])
            answer = await asyncio.to_thread(send, tab, address, data)
            assert answer.status_code == 200
            async with asyncio.timeout(10):
                heard = await follower.heard.get()
            assert (heard["message"], heard["opinion"]["vote"], heard["opinion"]["flagged"]) == (
                str(reply.pk),
                vote,
                flagged,
            )
    finally:
        engine.followers.leave(reply.conversation_id, follower)
        await close_engine()


def test_opinions_are_what_was_said_of_each_reply(tab, reply, visitor):
    tab.post(reverse("feedback:vote", args=[reply.pk]), {"value": "down"}, content_type="application/json")
    other = exchange(make_conversation(visitor))
    assert opinions([reply.pk, other.pk]) == {reply.pk: Opinion(vote="down"), other.pk: Opinion()}
