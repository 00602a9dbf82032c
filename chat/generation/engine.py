"""Run this process's replies: one task each, one writer for all, and a caretaker that notices the dead."""

import asyncio
import logging
import os
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import aiohttp
from django.conf import settings
from django.db import Error as DatabaseFailure
from django.utils import timezone

from chat import moderation, queue
from chat.controller.workers import forget
from chat.database import DatabaseThread
from chat.generation import records
from chat.generation.context import Context, build
from chat.generation.dispatch import Dispatcher
from chat.generation.reply import LiveReply
from chat.generation.run import Ended, Run, outcome
from chat.models import ReplyState
from chat.workers.errors import WorkerConnectTimeout, WorkerRefused, WorkerUnknownHost
from chat.workers.protocols import Chunk
from chat.workers.stream import Timeouts, make_session, stream_reply

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.4
BEAT_SECONDS = 1.0
QUEUE_SECONDS = 0.5
NOTICE_SECONDS = 0.3
STOOD_STILL_SECONDS = 6.0
WRITE_AGAIN_SECONDS = 1.0
WRITE_TRIES = 90  # a database that is away for a minute loses nothing
THREADS = 32  # for controllers, moderation and images, which block


class Socket(Protocol):
    """What the engine needs of an open socket to close it."""

    visitor_key: uuid.UUID

    async def close_for_restart(self) -> None: ...

    async def close_for_block(self) -> None: ...


class Engine:
    """All replies of one process, and the replies of other processes that somebody here follows."""

    def __init__(self) -> None:
        self.owner = uuid.uuid4()
        self.visitors = DatabaseThread("visitors")  # what sockets ask for; replies have a thread of their own
        self._database = DatabaseThread("replies")
        self.draining = False
        self.sockets: set[Socket] = set()
        self._runs: dict[uuid.UUID, Run] = {}
        self._remote: dict[uuid.UUID, LiveReply] = {}
        self._changed: set[uuid.UUID] = set()
        self._waiting: dict[uuid.UUID, Run] = {}
        self._poke = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._dispatcher = Dispatcher(self._database, self._poke.set)
        self._session: aiohttp.ClientSession | None = None
        self._seen: dict[uuid.UUID, tuple[int, float]] = {}
        self._timeouts = Timeouts(
            connect=settings.MMCHAT_CONNECT_TIMEOUT,
            first_token=settings.MMCHAT_FIRST_TOKEN_TIMEOUT,
            silence=settings.MMCHAT_SILENCE_TIMEOUT,
            whole=settings.MMCHAT_REPLY_TIMEOUT,
        )

    # Life of the process

    async def start(self) -> None:
        """Begin to look after replies; must run in the event loop that serves."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="mmchat"))
        self._session = make_session()
        await self._database.run(records.register_process, self.owner, socket.gethostname(), os.getpid())
        for work in (self._write_texts(), self._take_care(), self._admit(), self._follow_remote()):
            self._keep(work)

    async def drain(self, seconds: float) -> None:
        """Start nothing more, let running replies end for up to `seconds`, then interrupt them."""
        self.draining = True
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        if self._runs:
            log.info("waiting for %d replies to end", len(self._runs))
        # Again and again: a message that was being stored when this began still becomes a reply.
        while self._runs and (left := end - loop.time()) > 0:
            await asyncio.wait([run.ending for run in self._runs.values()], timeout=left)
        while self._runs:
            for run in self._runs.values():
                run.job.cancel()
            await asyncio.wait([run.ending for run in self._runs.values()])
        await asyncio.gather(
            *(each.close_for_restart() for each in tuple(self.sockets)), return_exceptions=True
        )

    async def close(self) -> None:
        """End every task of this engine."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._dispatcher.close()
        if self._session:
            await self._session.close()
        await self._database.run(records.forget_process, self.owner)
        await self._database.close()
        await self.visitors.close()

    # What consumers ask for

    def submit(self, reply_id: uuid.UUID, context: Context) -> LiveReply:
        """Generate a reply that `turns` has just stored for this process."""
        run = self._runs[reply_id] = Run(LiveReply(reply_id), context)
        run.job = asyncio.create_task(self._generate(run))
        run.ending = self._keep(self._supervise(run, run.job))
        return run.reply

    async def follow(self, reply_id: uuid.UUID, follower: Callable[[], None]) -> LiveReply:
        """Give a reply, here or in another process, that calls `follower` at each change from now on."""
        run = self._runs.get(reply_id)
        reply = run.reply if run else self._remote.get(reply_id)
        if reply is None:
            reply = self._remote[reply_id] = LiveReply(reply_id)
            reply.followers.add(follower)
            await self._read_remote([reply_id])
        reply.followers.add(follower)
        return reply

    def unfollow(self, reply: LiveReply, follower: Callable[[], None]) -> None:
        reply.followers.discard(follower)
        if not reply.followers:
            self._remote.pop(reply.id, None)

    def stop(self, reply_id: uuid.UUID) -> None:
        """Stop a reply of this process; its text so far is kept. Does nothing for others."""
        run = self._runs.get(reply_id)
        if run and not run.stopped:
            run.stopped = True
            run.job.cancel()

    def wake_queue(self) -> None:
        """Look at the queue now: a place may be free."""
        self._poke.set()

    # One reply

    async def _generate(self, run: Run) -> None:
        """Check, wait for a place, ask the worker. Raises what ended the reply."""
        await self._moderate(run)
        self._waiting[run.reply.id] = run
        self._poke.set()
        try:
            address = await run.address
        finally:
            self._waiting.pop(run.reply.id, None)
        run.reply.set_state(ReplyState.STREAMING)
        assert self._session is not None

        def show(chunk: Chunk) -> None:
            if run.reply.show(chunk.text):
                if run.first_answered is None:
                    run.first_answered = timezone.now()
                self._changed.add(run.reply.id)

        try:
            # The request, with its pictures, is held by nobody here while the reply runs.
            await stream_reply(
                self._session,
                address,
                run.context.protocol,
                await asyncio.to_thread(build, run.context),
                show,
                timeouts=self._timeouts,
            )
        except (WorkerRefused, WorkerUnknownHost, WorkerConnectTimeout):
            # A worker that lives registers again at its next heartbeat; others get no more visitors.
            await self._database.run(forget, address)
            raise

    async def _moderate(self, run: Run) -> None:
        if not settings.MMCHAT_MODERATE:
            return
        verdict = await asyncio.to_thread(moderation.check_text, run.context.question)
        if verdict.outcome:
            await self._database.run(records.record_verdict, run.reply.id, verdict)
        if not verdict.allowed:
            raise Ended(verdict.code or "moderation_flagged", verdict.detail)

    async def _supervise(self, run: Run, job: asyncio.Task[None]) -> None:
        """Wait for a reply's job and write down how it ended, whatever happened."""
        await asyncio.wait([job])
        state, code, detail = outcome(run, job)
        reply = run.reply
        try:
            if not await self._write_end(run, state, code, detail):
                # Another process took this reply for dead and ended it first: show what is stored.
                for stored in await self._database.run(records.read, [reply.id]):
                    reply.set_text(stored.text, stored.epoch)
                    state, code = stored.state, stored.error_code
        except DatabaseFailure:
            log.exception("reply %s could not be stored", reply.id)
            state, code = ReplyState.FAILED, "internal_error"
        finally:
            self._changed.discard(reply.id)
            self._runs.pop(reply.id, None)
            self._poke.set()
            reply.set_state(state, code)

    async def _write_end(self, run: Run, state: str, code: str, detail: str) -> bool:
        for _ in range(WRITE_TRIES):
            try:
                return await self._database.run(
                    records.finish, self.owner, run.progress(), state, code, detail
                )
            except DatabaseFailure as error:
                log.warning("reply %s waits for the database: %s", run.reply.id, error)
                await asyncio.sleep(WRITE_AGAIN_SECONDS)
        return await self._database.run(records.finish, self.owner, run.progress(), state, code, detail)

    # Work for all replies

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Hold on to a task until it ends; `close` cancels what is left."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _repeat(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await work()
            except Exception:
                log.exception("%s failed; it runs again in %s s", work.__name__, seconds)
            await asyncio.sleep(seconds)

    async def _write_texts(self) -> None:
        await self._repeat(FLUSH_SECONDS, self._flush)

    async def _flush(self) -> None:
        changed, self._changed = self._changed, set()
        rows = [self._runs[reply_id].progress() for reply_id in changed if reply_id in self._runs]
        if rows:
            try:
                await self._database.run(records.write_progress, self.owner, rows)
            except BaseException:
                self._changed |= changed
                raise

    async def _take_care(self) -> None:
        await self._repeat(BEAT_SECONDS, self._beat)

    async def _beat(self) -> None:
        running = set(self._runs)
        for reply_id in await self._database.run(records.beat, self.owner, running):
            self.stop(reply_id)
        await self._close_blocked()
        now = asyncio.get_running_loop().time()
        counters = await self._database.run(records.running_elsewhere, set(self._runs))
        self._seen = {
            reply_id: self._seen[reply_id]
            if self._seen.get(reply_id, (None, 0))[0] == counter
            else (counter, now)
            for reply_id, counter in counters.items()
        }
        still = {
            reply_id: counter
            for reply_id, (counter, since) in self._seen.items()
            if now - since > STOOD_STILL_SECONDS
        }
        if still:
            ended = await self._database.run(records.interrupt, still)
            if ended:
                log.warning("interrupted %d replies whose process is gone", len(ended))
                self._poke.set()

    async def _close_blocked(self) -> None:
        """Close the sockets of visitors who were blocked since they opened them."""
        keys = {socket.visitor_key for socket in self.sockets}
        if keys and (blocked := await self._database.run(records.blocked, keys)):
            for socket in tuple(self.sockets):
                if socket.visitor_key in blocked:
                    self._keep(socket.close_for_block())

    async def _admit(self) -> None:
        while True:
            try:
                async with asyncio.timeout(QUEUE_SECONDS if self._waiting else None):
                    await self._poke.wait()
            except TimeoutError:
                pass
            self._poke.clear()
            if self._waiting:
                try:
                    await self._admit_once()
                except Exception:
                    log.exception("admission failed; it is tried again")
                    await asyncio.sleep(QUEUE_SECONDS)

    async def _admit_once(self) -> None:
        found = await self._dispatcher.find(Counter(run.context.model for run in self._waiting.values()))
        for run in list(self._waiting.values()):
            if (error := found.errors.get(run.context.model)) and not run.address.done():
                run.address.set_exception(error)
        admission = await self._database.run(queue.admit, self.owner, set(self._waiting), found.addresses)
        for reply_id, address in admission.started:
            admitted = self._runs.get(reply_id)
            if admitted and not admitted.address.done():
                self._dispatcher.used(admitted.context.model, address)
                admitted.address.set_result(address)
        now = asyncio.get_running_loop().time()
        for reply_id, position in admission.positions.items():
            waiting = self._waiting.get(reply_id)
            # A reply that only waits for a controller's answer is not in line.
            if waiting and now - waiting.since > NOTICE_SECONDS:
                waiting.reply.set_position(position)

    async def _follow_remote(self) -> None:
        await self._repeat(FLUSH_SECONDS, self._read_all_remote)

    async def _read_all_remote(self) -> None:
        if self._remote:
            await self._read_remote(list(self._remote))

    async def _read_remote(self, replies: list[uuid.UUID]) -> None:
        for row in await self._database.run(records.read, replies):
            if reply := self._remote.get(row.reply):
                reply.set_text(row.text, row.epoch)
                if row.state != reply.state:
                    reply.set_state(row.state, row.error_code)


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


def is_draining() -> bool:
    """Tell whether this process takes no new replies because it ends."""
    return _engine is not None and _engine.draining
