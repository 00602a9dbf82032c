"""What one socket is sent: frames in order, and of each followed reply the newest text, merged while it waits."""

import asyncio
import itertools
import uuid
from collections import deque
from collections.abc import Awaitable, Callable

from django.utils import translation

from chat import events
from chat.failures import failure, notice
from chat.generation.engine import Engine
from chat.generation.reply import FINAL_STATES, LiveReply, Missing
from chat.models import ReplyState

BLOCKED_SECONDS = 30.0  # a client that reads nothing for so long is closed and resumes from the database
MOST_CHARACTERS = (
    16_000  # in one frame of text: what a slow client has missed waits here once, not in its buffer
)
MAX_FRAMES = 1000
MARK_EVERY = 50  # deltas, some seconds of text: then the client is told again where it must be


class _Followed:
    """How far one reply has been sent."""

    __slots__ = ("deltas", "epoch", "offset", "place", "reply", "state", "stream")

    def __init__(self, reply: LiveReply, epoch: int, offset: int, state: str, stream: int) -> None:
        self.reply = reply
        self.epoch = epoch
        self.offset = offset
        self.state = state
        self.stream = stream
        self.deltas = 0  # since the stream was last marked
        self.place: tuple[int, int | None] = (0, None)


class Outbox:
    """Send frames to one socket from one task, so that a slow reader delays nobody and merges its own deltas."""

    def __init__(
        self,
        engine: Engine,
        language: str,
        send: Callable[[str], Awaitable[None]],
        taken: Callable[[], int] = lambda: 0,
    ) -> None:
        """Send with `send`; `taken` tells how many bytes have reached the client so far, where that is known."""
        self._engine = engine
        self._language = language
        self._send = send
        self._sending_since: float | None = None
        self._taken = taken
        self._progress = (0.0, 0)  # when the client was last seen to take something, and how much it had then
        self._clock = asyncio.get_running_loop().time
        self._streams = itertools.count(1)
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
            reply, message.epoch, message.offset + len(message.text), message.state, next(self._streams)
        )
        self._wake.set()

    def follows(self, message: uuid.UUID) -> bool:
        return message in self._followed

    def unfollow_all(self) -> None:
        for followed in self._followed.values():
            self._engine.unfollow(followed.reply, self._wake.set)
        self._followed.clear()

    def is_stuck(self) -> bool:
        """Tell whether the client has read nothing for so long that it is to be given up; asked now and then.

        One that reads slowly may need a minute for what one frame waits for, and is not given up.
        """
        if len(self._frames) > MAX_FRAMES:
            return True
        if self._sending_since is None:
            return False
        if (taken := self._taken()) > self._progress[1]:
            self._progress = self._clock(), taken
        return self._clock() - max(self._sending_since, self._progress[0]) > BLOCKED_SECONDS

    async def close(self) -> None:
        """Stop sending and wait until nothing is being sent."""
        self.unfollow_all()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                await self._put_out(self._frames.popleft())
            for followed in tuple(self._followed.values()):
                await self._send_newest(followed)

    async def _put_out(self, frame: events.Frame | events.Delta) -> None:
        # A time-out for each frame would cost more than the frame; the engine asks `is_stuck` now and then.
        self._sending_since = self._clock()
        await self._send(events.encode(frame))
        self._sending_since = None

    async def _send_newest(self, followed: _Followed) -> None:
        reply = followed.reply
        if self._followed.get(reply.id) is not followed:
            return  # another conversation was opened while an earlier reply was being sent
        # Read together, before anything is awaited: a final state comes with its final text.
        missing = reply.after(followed.epoch, followed.offset)
        state, code, cut, place = (
            reply.state,
            reply.error_code,
            reply.cut,
            (reply.position, reply.wait_seconds),
        )
        epoch, length = reply.epoch, len(reply.text)
        if missing is not None:
            if followed.state == ReplyState.QUEUED and state == ReplyState.STREAMING:
                await self._send_state(followed, state, "", epoch, followed.offset)
            await self._send_text(followed, missing, epoch)
            if followed.offset < length:
                return self._wake.set()  # the rest, and what follows it, comes next
        if state == ReplyState.QUEUED and place != followed.place:
            followed.place = place
            position, seconds = place
            await self._put_out(events.Queued(message=reply.id, position=position, seconds=seconds))
        if state != followed.state:
            await self._send_state(followed, state, code, epoch, length, cut)
        # What was sent counts: the reply may have ended while a slow client took it, or be followed anew.
        if state in FINAL_STATES and self._followed.get(reply.id) is followed:
            del self._followed[reply.id]
            self._engine.unfollow(reply, self._wake.set)

    async def _send_text(self, followed: _Followed, missing: Missing, epoch: int) -> None:
        stream, marked_at, reply_id = followed.stream, followed.offset, followed.reply.id
        text = missing.text[:MOST_CHARACTERS]
        followed.epoch, followed.offset = epoch, len(text) if missing.whole else marked_at + len(text)
        if missing.whole:
            followed.deltas = 0
            return await self._put_out(events.Replace(message=reply_id, epoch=epoch, text=text))
        if followed.deltas % MARK_EVERY == 0:
            await self._put_out(events.Stream(stream=stream, message=reply_id, epoch=epoch, offset=marked_at))
        followed.deltas += 1
        await self._put_out(events.Delta(stream, text))

    async def _send_state(
        self, followed: _Followed, state: str, code: str, epoch: int, length: int, cut: bool = False
    ) -> None:
        followed.state = state
        with translation.override(self._language):
            why, told = failure(code), notice(followed.reply.notice)
        await self._put_out(
            events.State(
                message=followed.reply.id,
                state=state,
                epoch=epoch,
                length=length,
                failure=why,
                cut=cut,
                notice=told,
            )
        )
