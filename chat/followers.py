"""Tell every socket that follows a conversation, in whichever process, that something in it changed.

Sockets of this process are told in memory. Those of other processes hear of it by an announcement, which only wakes:
no text depends on it, and no socket waits for it.
"""

import asyncio
import uuid
from collections import defaultdict
from typing import Any, Protocol

import msgspec

from chat import events
from chat.announcements import RETRY_SECONDS, Announcements
from chat.generation.tasks import Tasks

PAUSE_SECONDS = 0.01  # between two sockets that look again, so that thousands don't ask the database at once


class Follower(Protocol):
    async def announced(self, event: dict[str, Any]) -> None: ...


class Followers:
    """The sockets of this process by the conversation that they follow."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._sockets: dict[uuid.UUID, set[Follower]] = defaultdict(set)
        self._missing = asyncio.Event()
        self._others = Announcements(self._tell, self._missing.set)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to speak with the other processes; must run in the event loop of the sockets."""
        self._loop = asyncio.get_running_loop()
        for work in (self._others.send, self._others.listen, self._look_again):
            self._tasks.repeat(RETRY_SECONDS, work)

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
            "conversation": str(conversation),
            "messages": [msgspec.to_builtins(message) for message in messages],
        }
        self._tell(event, sender)
        self._others.announce(event)

    def announce_feedback(self, conversation: uuid.UUID, message: uuid.UUID, opinion: events.Opinion) -> None:
        """Send what a visitor now says of a reply to all followers; may be called in any thread."""
        event = {
            "type": "feedback",
            "conversation": str(conversation),
            "message": str(message),
            "opinion": msgspec.to_builtins(opinion),
        }
        if self._loop:
            self._loop.call_soon_threadsafe(self._tell_all, event)

    def announce_deleted(self, conversation: uuid.UUID) -> None:
        """Tell all followers that their conversation was deleted; may be called in any thread."""
        if self._loop:
            event = {"type": "deleted", "conversation": str(conversation)}
            self._loop.call_soon_threadsafe(self._tell_all, event)

    def announce_title(self, conversation: uuid.UUID, title: str) -> None:
        """Tell all followers what their conversation is called now; may be called in any thread."""
        if self._loop:
            event = {"type": "titled", "conversation": str(conversation), "title": title}
            self._loop.call_soon_threadsafe(self._tell_all, event)

    def announce_changed(self, conversation: uuid.UUID) -> None:
        """Let all followers read their conversation anew; may be called in any thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(
                self._tell_all, {"type": "changed", "conversation": str(conversation)}
            )

    def _tell_all(self, event: dict[str, Any]) -> None:
        self._tell(event)
        self._others.announce(event)

    def _tell(self, event: dict[str, Any], sender: Follower | None = None) -> None:
        for socket in self._sockets.get(uuid.UUID(event["conversation"]), ()):
            if socket is not sender:
                self._tasks.keep(socket.announced(event))

    async def _look_again(self) -> None:
        """Let every socket look again when something was missed, for ever."""
        while True:
            await self._missing.wait()
            self._missing.clear()
            for conversation, sockets in list(self._sockets.items()):
                for socket in tuple(sockets):
                    changed = {"type": "changed", "conversation": str(conversation)}
                    self._tasks.keep(socket.announced(changed))
                    await asyncio.sleep(PAUSE_SECONDS)
