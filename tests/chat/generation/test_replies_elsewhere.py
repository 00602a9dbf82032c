"""Replies of other processes are read for whoever follows them, and for nobody else."""

import asyncio
import json
import uuid
from types import SimpleNamespace

import msgspec
import pytest
from django.db import OperationalError

from chat.consumers import ChatConsumer
from chat.generation.records import Stored
from chat.generation.remote import RemoteReplies
from chat.generation.reply import LiveReply
from chat.outbox import Outbox
from tests.chat.generation.played import CONVERSATION, Database

REPLY = uuid.UUID(int=3)


class Away:
    calls = 0

    async def run(self, work, *arguments):
        self.calls += 1
        raise OperationalError("the server closed the connection")


async def test_a_reply_that_could_not_be_read_is_not_read_again_for_nobody():
    database = Away()
    remote = RemoteReplies(database)
    with pytest.raises(OperationalError):
        await remote.follow(REPLY, lambda: None)
    await remote.read()
    assert database.calls == 1


class Ended:
    async def run(self, work, replies):
        await asyncio.sleep(0)
        return [Stored(reply, "complete", "text", 0, "") for reply in replies]


async def test_a_slow_page_that_leaves_a_reply_that_ended_here_takes_it_from_nobody_else():
    remote = RemoteReplies(Ended())
    ended_here, woken = LiveReply(REPLY, "complete", "text"), []
    following = asyncio.create_task(remote.follow(REPLY, lambda: woken.append(True)))
    await asyncio.sleep(0)  # it reads
    remote.forget(ended_here)
    reply = await following
    assert (reply.state, reply.text, bool(woken)) == ("complete", "text", True)


async def test_whoever_follows_second_gets_what_is_stored_as_well():
    remote = RemoteReplies(Ended())
    first = asyncio.create_task(remote.follow(REPLY, lambda: None))
    await asyncio.sleep(0)
    second = await remote.follow(REPLY, bool)
    assert (second.state, second.text) == ("complete", "text")
    assert await first is second


async def test_a_page_is_told_to_ask_again_when_an_announced_reply_can_not_be_followed():
    sent = []
    socket, stored = ChatConsumer(), Database()

    async def send(text):
        sent.append(json.loads(text))

    remote = RemoteReplies(Away())
    engine = SimpleNamespace(follow=remote.follow, unfollow=lambda *_: None)
    socket.opened, socket.conversation, socket._one_at_a_time = True, CONVERSATION, asyncio.Lock()
    socket.has_token = False
    socket.outbox = Outbox(engine, "en", send)
    stored.add(REPLY, "")
    event = {
        "type": "messages",
        "conversation": str(CONVERSATION),
        "messages": [msgspec.to_builtins(stored.info(REPLY))],
    }
    await socket.announced(event)
    while len(sent) < 2:
        await asyncio.sleep(0)
    await socket.outbox.close()
    assert [frame["type"] for frame in sent] == ["message", "missed"]
