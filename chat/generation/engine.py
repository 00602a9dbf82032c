"""Run this process's replies: one task each, one writer for all, and a caretaker that notices the dead."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from django.conf import settings
from django.db import Error as DatabaseFailure

from chat import chores, events, metrics, turns
from chat.database import DatabaseThread
from chat.followers import Followers
from chat.generation import records
from chat.generation.breakers import Breaker, Breakers
from chat.generation.caretaker import Caretaker
from chat.generation.context import Context
from chat.generation.generate import Generator
from chat.generation.moderate import Moderator
from chat.generation.remote import RemoteReplies
from chat.generation.reply import LiveReply
from chat.generation.run import Run, ending_of
from chat.generation.tasks import Tasks
from chat.generation.waiting import WaitingLine
from chat.generation.writer import Writer
from chat.limits import windows
from chat.limits.open_sockets import OpenSockets
from chat.models import ReplyState, Stage
from chat.moderation.stored import are_there
from chat.queue import Candidate

log = logging.getLogger(__name__)

READ_SECONDS = 0.4  # until somebody here sees more of a reply of another process
BEAT_SECONDS = 1.0
CLOSE_SECONDS = 2.0  # until the socket of a blocked visitor closes; asking costs with every socket there is
THREADS = 32  # for controllers and images, which block


class Socket(Protocol):
    """What the engine needs of an open socket to close it."""

    visitor_key: uuid.UUID

    def is_stuck(self) -> bool: ...

    def abort(self) -> None: ...

    async def close_for_restart(self) -> None: ...

    async def close_for_block(self) -> None: ...

    async def close_for_deletion(self) -> None: ...


class Engine:
    """All replies of one process, and the replies of other processes that somebody here follows."""

    def __init__(self) -> None:
        self.owner = uuid.uuid4()
        self._chores = DatabaseThread("chores")
        self.visitors = DatabaseThread("visitors")  # what sockets ask for; replies have a thread of their own
        self._database = DatabaseThread("replies")
        self.draining = False
        self.sockets: set[Socket] = set()
        self._runs: dict[uuid.UUID, Run] = {}
        self._tasks = Tasks()
        self.followers = Followers(self._tasks)
        self.open_sockets = OpenSockets(settings.REDIS_URL, windows.reach)
        self._remote = RemoteReplies(self._database)
        self._writer = Writer(self.owner, self._database)
        self._breakers = Breakers(self._note_breaker)
        self._line = WaitingLine(self.owner, self._database, self._breakers)
        self._moderator = Moderator(self._database)
        self._generator = Generator(
            self.owner, self._database, self._line, self._breakers, self._writer, self._moderator
        )
        self._caretaker = Caretaker(
            self.owner, self._database, self.stop, self._adopt, self._writer.has_ended
        )

    # Life of the process

    async def start(self) -> None:
        """Begin to look after replies; must run in the event loop that serves."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="mmchat"))
        self._generator.open()
        await self._caretaker.start()
        self._tasks.keep(metrics.watch(self))
        self._tasks.keep(self._line.run())
        self.followers.start()
        if settings.REDIS_URL:
            self._tasks.keep(self.open_sockets.run())
        self._tasks.repeat(0, self._writer.flush)
        self._tasks.repeat(READ_SECONDS, self._remote.read)
        self._tasks.repeat(BEAT_SECONDS, self._beat)
        self._tasks.repeat(CLOSE_SECONDS, self._close_for_some)
        self._tasks.repeat(0, self._do_chores)

    async def drain(self, seconds: float) -> None:
        """Start nothing more, let running replies end for up to `seconds`, then interrupt them.

        Replies that still wait for a place are left to another process, or to the next one that starts.
        """
        self.draining = True
        self._line.hand_over()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        # A message that is being stored at this moment becomes a reply.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.visitors.settle()
        if self._runs:
            log.info("waiting for %d replies to end", len(self._runs))
        # Again and again: one that was adopted as this began is still to be handed over.
        while self._runs and (left := end - loop.time()) > 0:
            await asyncio.wait([run.ending for run in self._runs.values()], timeout=left)
        while self._runs:
            for run in self._runs.values():
                run.job.cancel()
            await asyncio.wait([run.ending for run in self._runs.values()])
        await self.open_sockets.leave()
        await asyncio.gather(
            *(each.close_for_restart() for each in tuple(self.sockets)), return_exceptions=True
        )

    async def close(self) -> None:
        """End every task of this engine."""
        await self._tasks.close()
        await self.open_sockets.close()
        await windows.close()
        await self._line.close()
        await self._generator.close()
        self._moderator.close()
        await self._caretaker.close()
        await self._database.close()
        await self._chores.close()
        await self.visitors.close()

    # What consumers ask for

    def workers_at_hand(self) -> dict[str, list[Candidate]]:
        """Give, by model, the workers at which a reply that is being stored may start at once; in any thread."""
        at_hand = self._line.workers_at_hand()
        # What is to be checked first must not take a place meanwhile.
        return {model: workers for model, workers in at_hand.items() if not are_there(Stage.MESSAGE, model)}

    def submit(self, reply_id: uuid.UUID, context: Context, worker: Candidate | None = None) -> LiveReply:
        """Generate a reply that `turns` has stored for this process, at `worker` where it has a place already."""
        reply = self._remote.take(reply_id) or LiveReply(reply_id)
        reply.set_text(context.beginning, 0)  # one that was adopted may not have been read yet
        if worker:
            reply.set_state(ReplyState.STREAMING)
        run = self._runs[reply_id] = Run(reply, context, worker)
        run.job = asyncio.create_task(self._generator.generate(run))
        run.ending = self._tasks.keep(self._supervise(run, run.job))
        return reply

    async def follow(self, reply_id: uuid.UUID, follower: Callable[[], None]) -> LiveReply:
        """Give a reply, here or in another process, that calls `follower` at each change from now on."""
        run = self._runs.get(reply_id)
        if run is None:
            return await self._remote.follow(reply_id, follower)
        run.reply.followers.add(follower)
        return run.reply

    def unfollow(self, reply: LiveReply, follower: Callable[[], None]) -> None:
        """Undo `follow`."""
        reply.followers.discard(follower)
        self._remote.forget(reply)

    def stop(self, reply_id: uuid.UUID) -> None:
        """Stop a reply of this process; its text so far is kept. Does nothing for others."""
        run = self._runs.get(reply_id)
        if run and not run.stopped:
            run.stopped = True
            run.job.cancel()

    # What metrics ask for, in another thread

    def number_of_sockets(self) -> int:
        return len(self.sockets)

    def reply_states(self) -> list[str]:
        return [run.reply.state for run in list(self._runs.values())]

    def open_breakers(self) -> list[str]:
        return self._breakers.not_closed()

    # Work for all replies

    async def _supervise(self, run: Run, job: asyncio.Task[None]) -> None:
        """Wait for a reply's job and write down how it ended, whatever happened."""
        await asyncio.wait([job])
        ending = ending_of(run, job)
        if ending is None:
            self._runs.pop(run.reply.id, None)
            self._line.look()
            return self._remote.put(run.reply)
        try:
            ending = await self._moderator.check_reply(run, ending)
            ending = await self._writer.finish(run, ending)
        finally:
            self._runs.pop(run.reply.id, None)
            self._line.look()
            run.reply.set_state(ending.state, ending.code, run.told().finish_reason)

    async def _beat(self) -> None:
        before = set(self._runs)
        for reply_id in before - await self._caretaker.beat(self._runs.__contains__, self.draining):
            self._let_go(reply_id)
        for stuck in [socket for socket in self.sockets if socket.is_stuck()]:
            stuck.abort()

    async def _close_for_some(self) -> None:
        """Close the sockets of visitors who were blocked since they opened them, or have deleted everything."""
        keys = {socket.visitor_key for socket in self.sockets}
        if not keys:
            return
        blocked = await self._database.run(records.blocked, keys)
        gone = await self._database.run(records.deleted_visitors, keys)
        for socket in tuple(self.sockets):
            if socket.visitor_key in blocked:
                self._tasks.keep(socket.close_for_block())
            elif socket.visitor_key in gone:
                self._tasks.keep(socket.close_for_deletion())

    async def _do_chores(self) -> None:
        await asyncio.sleep(chores.LOOK_SECONDS)  # first: a process that has just started has enough to do
        await self._chores.run(chores.do_chores)

    def _let_go(self, reply_id: uuid.UUID) -> None:
        """Leave a reply to the process that took this one for dead, and follow it there."""
        run = self._runs.get(reply_id)
        if run and not run.job.done():
            log.warning("reply was taken over by another process", extra={"reply": reply_id})
            run.taken_over = True
            run.job.cancel()

    async def _adopt(self, replies: Collection[uuid.UUID]) -> None:
        """Generate replies that this process owns now and that only waited in the one before."""
        for reply_id, context in (await self.visitors.run(turns.contexts, replies)).items():
            if reply_id not in self._runs:
                self.submit(reply_id, context)

    def _note_breaker(self, breaker: Breaker) -> None:
        told = {
            "worker": breaker.address,
            "state": breaker.state,
            "code": breaker.error and breaker.error.code,
        }
        log.warning("breaker changed, failures %d", breaker.failures, extra=told)
        self._tasks.keep(self._store_breaker(records.BreakerNote.of(breaker)))

    async def _store_breaker(self, note: records.BreakerNote) -> None:
        try:
            await self._database.run(records.note_breaker, self.owner, note)
        except DatabaseFailure as error:
            # Administrators miss a line; the breaker itself works without the database.
            log.warning("a breaker was not stored: %s", error, extra={"worker": note.address})


_engine: Engine | None = None
_started: asyncio.Task[None] | None = None


async def running_engine() -> Engine:
    """Give this process's engine, started; the first call starts it, and calls beside it wait for that."""
    global _engine, _started
    if _engine is None or _started is None:
        _engine = Engine()
        _started = asyncio.create_task(_engine.start())
    await asyncio.shield(_started)
    return _engine


async def close_engine() -> None:
    """End this process's engine and what it runs, if it was started."""
    global _engine, _started
    if _engine is not None:
        engine, _engine, _started = _engine, None, None
        await engine.drain(0)
        await engine.close()


def announce_feedback(conversation: uuid.UUID, message: uuid.UUID, opinion: events.Opinion) -> None:
    """Send what a visitor now says of a reply to all pages that show it; called from views, in any thread."""
    if _engine is not None:
        _engine.followers.announce_feedback(conversation, message, opinion)


def announce_deleted(conversation: uuid.UUID) -> None:
    """Tell all pages that show a conversation that it was deleted; called from views, in any thread."""
    if _engine is not None:
        _engine.followers.announce_deleted(conversation)


def announce_title(conversation: uuid.UUID, title: str) -> None:
    """Tell all pages that show a conversation what its title is now; called from views, in any thread."""
    if _engine is not None:
        _engine.followers.announce_title(conversation, title)


def announce_changed(conversation: uuid.UUID) -> None:
    """Let all pages that show a conversation read it anew; called from views, in any thread."""
    if _engine is not None:
        _engine.followers.announce_changed(conversation)


def is_draining() -> bool:
    """Tell whether this process takes no new replies because it ends."""
    return _engine is not None and _engine.draining
