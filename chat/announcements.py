"""Carry what happens in one process to the others over the channel layer, and notice what was lost on the way.

A layer may lose messages: Redis restarts, a queue runs full, a network goes. So each message has its process's number,
and a process that has nothing to say tells the last one. Who finds a number missing has missed something.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from channels.layers import get_channel_layer

log = logging.getLogger(__name__)

GROUP = "site"
MAX_WAITING = 10_000  # announcements while the layer is slow; more are lost, which the others notice
QUIET_SECONDS = 2.0  # after which a process tells that it lives, and its last number
LAYER_SECONDS = 5.0  # until a call to a layer that hangs is given up
SILENCE_SECONDS = 10.0  # without even one's own messages: the connection is dead, whatever the layer thinks
RETRY_SECONDS = 1.0

Announcement = dict[str, Any]


class Announcements:
    """Send this process's announcements, and hand those of the other ones to `hear`.

    `missed` is called when some may have been lost on the way to this process.
    """

    def __init__(self, hear: Callable[[Announcement], None], missed: Callable[[], None]) -> None:
        self._process = str(uuid.uuid4())
        self._hear, self._missed = hear, missed
        self._number = 0
        self._waiting: asyncio.Queue[Announcement] = asyncio.Queue(MAX_WAITING)
        self._heard: dict[str, int] = {}  # the last number of each other process
        self._away = False

    def announce(self, announcement: Announcement) -> None:
        """Send to all other processes, as soon as the layer takes it; waits for nothing."""
        self._number += 1
        numbered = {**announcement, "process": self._process, "number": self._number}
        try:
            self._waiting.put_nowait(numbered)
        except asyncio.QueueFull:
            return  # the next number tells the others

    def last_number(self) -> Announcement:
        """Give what a process says that has nothing to announce: how much it has announced."""
        return {"type": "number", "process": self._process, "number": self._number}

    async def send(self) -> None:
        """Send what is announced, for ever."""
        while True:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    message = await self._waiting.get()
            except TimeoutError:
                message = self.last_number()
            await self._reach(get_channel_layer().group_send(GROUP, message))

    async def listen(self) -> None:
        """Hear the others, for ever; a layer that is away or has gone silent is subscribed to anew."""
        while True:
            channel = await self._reach(self._subscribe())
            while channel and (message := await self._receive(channel)):
                self._take(message)
            await asyncio.sleep(RETRY_SECONDS)

    async def _subscribe(self) -> str:
        layer = get_channel_layer()
        await layer.flush()  # with its connections, of which one may be dead without knowing
        channel: str = await layer.new_channel()
        await layer.group_add(GROUP, channel)
        return channel

    async def _receive(self, channel: str) -> Announcement | None:
        """Wait for a message; None when there was none for so long that the subscription must have ended."""
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                message: Announcement = await get_channel_layer().receive(channel)
                return message
        except Exception as error:
            self._note(error)
            return None

    def _take(self, message: Announcement) -> None:
        process, number = message["process"], message["number"]
        if process == self._process:
            return
        is_news = message["type"] != "number"
        if number != self._heard.get(process, 0) + is_news:
            self._missed()
        self._heard[process] = number
        if is_news:
            self._hear(message)

    async def _reach(self, call: Awaitable[str | None]) -> str | None:
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                answer = await call
        except Exception as error:  # whatever a layer raises, replies and pages do without it
            self._note(error)
            return None
        self._note(None)
        return answer

    def _note(self, error: Exception | None) -> None:
        """Log that the layer went away, or came back, once each."""
        if error and not self._away:
            reason = str(error) or type(error).__name__
            log.warning("the channel layer does not answer, so processes don't hear each other: %s", reason)
        elif self._away and not error:
            log.info("the channel layer answers again")
        self._away = error is not None
