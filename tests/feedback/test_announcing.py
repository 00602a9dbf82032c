"""A change of feedback reaches the visitor's other tabs."""

import asyncio

import pytest
from django.db import connection
from django.urls import reverse

from chat import chores
from chat.conversations import opinions
from chat.deletion import delete_everything
from chat.events import Opinion
from chat.generation.engine import close_engine, running_engine
from chat.models import Visitor
from tests.feedback.stories import exchange, make_conversation


class Tab:
    """A socket that follows a conversation, without its connection."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue = asyncio.Queue()

    async def announced(self, event: dict) -> None:
        self.heard.put_nowait(event)

    def is_stuck(self) -> bool:
        return False

    async def close_for_deletion(self) -> None:
        self.heard.put_nowait("closed")

    async def close_for_restart(self) -> None: ...


def in_a_thread(call, *arguments, **named):
    try:
        return call(*arguments, **named)
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
            answer = await asyncio.to_thread(
                in_a_thread, tab.post, address, data, content_type="application/json"
            )
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


@pytest.mark.django_db(transaction=True)
async def test_a_running_process_removes_by_itself_what_is_due(reply, settings, monkeypatch):
    settings.MMCHAT_KEEP_DELETED_DAYS = 0
    monkeypatch.setattr(chores, "LOOK_SECONDS", 0.05)
    await asyncio.to_thread(in_a_thread, delete_everything, reply.conversation.visitor_id)
    await running_engine()
    try:
        async with asyncio.timeout(10):
            while await asyncio.to_thread(in_a_thread, Visitor.objects.exists):
                await asyncio.sleep(0.05)
    finally:
        await close_engine()


@pytest.mark.django_db(transaction=True)
async def test_open_pages_of_who_deleted_everything_are_closed(reply):
    engine, socket = await running_engine(), Tab()
    socket.visitor_key = reply.conversation.visitor_id
    engine.sockets.add(socket)
    try:
        await asyncio.to_thread(in_a_thread, delete_everything, socket.visitor_key)
        async with asyncio.timeout(10):
            assert await socket.heard.get() == "closed"
    finally:
        engine.sockets.discard(socket)
        await close_engine()
