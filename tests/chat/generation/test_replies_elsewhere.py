"""Replies of other processes are read for whoever follows them, and for nobody else."""

import asyncio
import json
import uuid
from types import SimpleNamespace

import msgspec
import pytest
from django.db import OperationalError

from chat import events
from chat.consumers import ChatConsumer
from chat.followers import Followers
from chat.generation.records import Stored
from chat.generation.remote import RemoteReplies
from chat.generation.reply import LiveReply
from chat.generation.tasks import Tasks
from chat.outbox import Outbox
from tests.chat.generation.played import CONVERSATION, Database, DatabaseThread

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


@pytest.fixture
async def sent():
    """The frames that `socket` has sent."""
    return []


@pytest.fixture
async def socket(sent):
    """The socket of a page that has opened a conversation; of replies elsewhere it can read nothing."""

    async def send(text):
        sent.append(json.loads(text))

    tasks, stored, socket = Tasks(), Database(), ChatConsumer()
    stored.add(REPLY, "")
    engine = SimpleNamespace(
        follow=RemoteReplies(Away()).follow,
        unfollow=lambda *_: None,
        followers=Followers(tasks),
        visitors=DatabaseThread(stored),
    )
    socket.engine, socket.visitor_key, socket.has_token = engine, uuid.UUID(int=2), False
    socket.opened, socket.conversation, socket._one_at_a_time = True, CONVERSATION, asyncio.Lock()
    socket.outbox = Outbox(engine, "en", send)
    socket.stored = stored
    yield socket
    await socket.outbox.close()
    await tasks.close()


async def kinds(sent, count):
    while len(sent) < count:
        await asyncio.sleep(0)
    return [frame["type"] for frame in sent]


async def test_a_page_is_told_to_ask_again_when_an_announced_reply_can_not_be_followed(socket, sent):
    messages = [msgspec.to_builtins(socket.stored.info(REPLY))]
    await socket.announced({"type": "messages", "conversation": str(CONVERSATION), "messages": messages})
    assert await kinds(sent, 2) == ["message", "missed"]


async def test_a_page_is_told_to_ask_again_when_a_reply_of_what_it_opens_can_not_be_followed(socket, sent):
    await socket._handle(events.Open(conversation=CONVERSATION))
    assert await kinds(sent, 2) == ["conversation", "missed"]


async def test_a_page_that_opens_is_told_what_was_missed_after_the_answer_which_may_lack_it(socket, sent):
    socket.stored.rows.clear()  # nothing to be followed
    socket.stored.turns_late = 5
    followers = socket.engine.followers
    looking = asyncio.create_task(followers._look_again())

    async def open_conversation():
        async with socket._one_at_a_time:
            await socket._handle(events.Open(conversation=CONVERSATION))

    opening = asyncio.create_task(open_conversation())
    await asyncio.sleep(0)
    followers._missing.set()
    await opening
    assert await kinds(sent, 2) == ["conversation", "missed"]
    looking.cancel()
