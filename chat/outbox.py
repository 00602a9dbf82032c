"""What one socket is sent: frames in order, and of each followed reply the newest text, merged while it waits."""

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Awaitable, Callable

from django.utils import translation

from chat import events
from chat.failures import failure
from chat.generation.engine import Engine
from chat.generation.reply import LiveReply
from chat.models import ReplyState

log = logging.getLogger(__name__)

BLOCKED_SECONDS = 30.0  # a client that reads nothing for so long is closed and resumes from the database
MAX_FRAMES = 1000


class _Followed:
    """How far one reply has been sent."""

    __slots__ = ("epoch", "offset", "position", "reply", "state")

    def __init__(self, reply: LiveReply, epoch: int, offset: int, state: str) -> None:
        self.reply = reply
        self.epoch = epoch
        self.offset = offset
        self.state = state
        self.position = 0


class Outbox:
    """Send frames to one socket from one task, so that a slow reader delays nobody and merges its own deltas."""

    def __init__(
        self,
        engine: Engine,
        language: str,
        send: Callable[[str], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
    ) -> None:
        self._engine = engine
        self._language = language
        self._send = send
        self._close = close
        self._frames: deque[events.Frame] = deque()
        self._followed: dict[uuid.UUID, _Followed] = {}
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def put(self, frame: events.Frame) -> None:
        """Send a frame after those put before it."""
        self._frames.append(frame)
        self._wake.set()

    async def follow(self, message: events.MessageInfo) -> None:
        """Send what comes after `message` as it was put, until the reply ends."""
        if message.state not in (ReplyState.QUEUED, ReplyState.STREAMING) or message.id in self._followed:
            return
        reply = await self._engine.follow(message.id, self._wake.set)
        self._followed[message.id] = _Followed(
            reply, message.epoch, message.offset + len(message.text), message.state
        )
        self._wake.set()

    def follows(self, message: uuid.UUID) -> bool:
        return message in self._followed

    def unfollow_all(self) -> None:
        for followed in self._followed.values():
            self._engine.unfollow(followed.reply, self._wake.set)
        self._followed.clear()

    async def close(self) -> None:
        """Stop sending and wait until nothing is being sent."""
        self.unfollow_all()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._frames:
                    if len(self._frames) > MAX_FRAMES:
                        raise TimeoutError
                    await self._send_in_time(self._frames.popleft())
                for followed in tuple(self._followed.values()):
                    await self._send_newest(followed)
        except TimeoutError:
            log.info("closing a socket that does not read")
            await self._close(1013)

    async def _send_in_time(self, frame: events.Frame) -> None:
        async with asyncio.timeout(BLOCKED_SECONDS):
            await self._send(events.encode(frame))

    async def _send_newest(self, followed: _Followed) -> None:
        reply = followed.reply
        if self._followed.get(reply.id) is not followed:
            return  # another conversation was opened while an earlier reply was being sent
        # Read together, before anything is awaited: a final state comes with its final text.
        frame = reply.after(followed.epoch, followed.offset)
        state, code, position = reply.state, reply.error_code, reply.position
        epoch, length = reply.epoch, len(reply.text)
        if frame is not None:
            if followed.state == ReplyState.QUEUED and state == ReplyState.STREAMING:
                await self._send_state(followed, state, "", epoch, followed.offset)
            followed.epoch, followed.offset = epoch, length
            await self._send_in_time(frame)
        if state == ReplyState.QUEUED and position != followed.position:
            followed.position = position
            await self._send_in_time(events.Queued(message=reply.id, position=position))
        if state != followed.state:
            await self._send_state(followed, state, code, epoch, length)
        if reply.is_final and followed.state == state:
            self._followed.pop(reply.id, None)
            self._engine.unfollow(reply, self._wake.set)

    async def _send_state(self, followed: _Followed, state: str, code: str, epoch: int, length: int) -> None:
        followed.state = state
        with translation.override(self._language):
            why = failure(code)
        await self._send_in_time(
            events.State(message=followed.reply.id, state=state, epoch=epoch, length=length, failure=why)
        )
