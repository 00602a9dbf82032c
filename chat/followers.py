"""Tell every socket that follows a conversation, in whichever process, that something in it changed.

Sockets of this process are told in memory. One channel a process carries what is announced between processes: it
only wakes, no text depends on it, and no socket waits for it.
"""

import asyncio
import logging
import uuid
from collections import defaultdict
from typing import Any, Protocol

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from chat import events
from chat.generation.tasks import Tasks

log = logging.getLogger(__name__)

GROUP = "site"
PUBLISH_SECONDS = 5.0  # until an announcement to a layer that hangs is given up
RETRY_SECONDS = 1.0
JOIN_SECONDS = 3600.0  # the layer in memory forgets members of a group after a day


class Follower(Protocol):
    async def announced(self, event: dict[str, Any]) -> None: ...


class Followers:
    """The sockets of this process by the conversation that they follow."""

    def __init__(self, tasks: Tasks) -> None:
        self._process = str(uuid.uuid4())
        self._tasks = tasks
        self._sockets: dict[uuid.UUID, set[Follower]] = defaultdict(set)

    def join(self, conversation: uuid.UUID, socket: Follower) -> None:
        """Give `socket` what is announced of a conversation from now on."""
        self._sockets[conversation].add(socket)

    def leave(self, conversation: uuid.UUID, socket: Follower) -> None:
        """Undo `join`."""
        self._sockets[conversation].discard(socket)
        if not self._sockets[conversation]:
            del self._sockets[conversation]

    def announce_messages(
        self, conversation: uuid.UUID, messages: list[events.MessageInfo], sender: Follower
    ) -> None:
        """Send new messages to all followers but the socket `sender`, which has them already."""
        event = {
            "type": "messages",
            "process": self._process,
            "conversation": str(conversation),
            "messages": [msgspec.to_builtins(message) for message in messages],
        }
        self._tell(event, sender)
        self._tasks.keep(_publish(event))

    async def listen(self) -> None:
        """Pass on what other processes announce, for ever; a layer that is away is asked again."""
        layer = get_channel_layer()
        while True:
            try:
                channel = await layer.new_channel()
                while True:
                    await layer.group_add(GROUP, channel)
                    try:
                        async with asyncio.timeout(JOIN_SECONDS):
                            while True:
                                event = await layer.receive(channel)
                                if event.get("process") != self._process:
                                    self._tell(event)
                    except TimeoutError:
                        continue
            except (RedisError, OSError) as error:
                log.warning("the channel layer does not answer: %s", error)
                await asyncio.sleep(RETRY_SECONDS)

    def _tell(self, event: dict[str, Any], sender: Follower | None = None) -> None:
        for socket in self._sockets.get(uuid.UUID(event["conversation"]), ()):
            if socket is not sender:
                self._tasks.keep(socket.announced(event))


async def _publish(event: dict[str, Any]) -> None:
    try:
        async with asyncio.timeout(PUBLISH_SECONDS):
            await get_channel_layer().group_send(GROUP, event)
    except (RedisError, OSError) as error:
        log.warning("the channel layer does not answer: %s", error)


def announce_feedback(conversation: uuid.UUID, message: uuid.UUID, vote: str | None, flagged: bool) -> None:
    """Send a changed vote or flag to all followers; called from views."""
    async_to_sync(_publish)(
        {
            "type": "feedback",
            "conversation": str(conversation),
            "message": str(message),
            "vote": vote,
            "flagged": flagged,
        }
    )
