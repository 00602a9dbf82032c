"""Generate one reply: check the question, wait for a place, ask one worker after the other until one answers."""

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from django.conf import settings
from django.utils import timezone

from chat import moderation
from chat.controller.workers import forget
from chat.database import DatabaseThread
from chat.generation import records
from chat.generation.breakers import Breakers
from chat.generation.context import build
from chat.generation.run import Refusal, Run
from chat.generation.waiting import WaitingLine
from chat.generation.writer import Writer
from chat.models import ReplyState
from chat.workers.errors import NOT_REACHED, WorkerEmpty, WorkerError
from chat.workers.protocols import Chunk, GenerationRequest
from chat.workers.stream import Timeouts, make_session, stream_reply

# Reading and encoding pictures holds Python's lock much of the time: with more threads at it, every reply that streams
# would wait for each of them in turn.
PICTURE_THREADS = 2


class Generator:
    """Hold what every reply of a process needs."""

    def __init__(
        self,
        owner: uuid.UUID,
        database: DatabaseThread,
        line: WaitingLine,
        breakers: Breakers,
        writer: Writer,
    ) -> None:
        self._owner = owner
        self._database = database
        self._line = line
        self._breakers = breakers
        self._writer = writer
        self._session: aiohttp.ClientSession | None = None
        self._pictures = ThreadPoolExecutor(PICTURE_THREADS, thread_name_prefix="mmchat-pictures")
        self._timeouts = Timeouts(
            connect=settings.MMCHAT_CONNECT_TIMEOUT,
            first_token=settings.MMCHAT_FIRST_TOKEN_TIMEOUT,
            silence=settings.MMCHAT_SILENCE_TIMEOUT,
            whole=settings.MMCHAT_REPLY_TIMEOUT,
        )

    def open(self) -> None:
        """Begin; must be called in the event loop."""
        self._session = make_session()

    async def close(self) -> None:
        if self._session:
            await self._session.close()
        self._pictures.shutdown(wait=False, cancel_futures=True)

    async def generate(self, run: Run) -> None:
        """Generate a reply to its end. Raises what ended it otherwise."""
        await self._moderate(run)
        while True:
            address = await self._line.place(run)
            run.reply.set_state(ReplyState.STREAMING)
            run.sent_to(address)
            try:
                await self._ask(run, address)
            except WorkerError as error:
                if isinstance(error, WorkerEmpty) and run.context.beginning and run.frames:
                    # The model had nothing to add, and said so.
                    return self._breakers.completed(address)
                self._breakers.failed(address, error)
                run.failed(error)
                if isinstance(error, NOT_REACHED):
                    # A worker that lives registers again at its next heartbeat; others get no more visitors.
                    await self._database.run(forget, address)
                    self._line.worker_forgotten()
                if run.first_answered:
                    raise
                if not await self._database.run(records.requeue, self._owner, run.reply.id):
                    raise
            except BaseException:
                self._breakers.left(address)
                raise
            else:
                return self._breakers.completed(address)

    async def _moderate(self, run: Run) -> None:
        if not settings.MMCHAT_MODERATE:
            return
        verdict = await asyncio.to_thread(moderation.check_text, run.context.question)
        if verdict.outcome:
            await self._database.run(records.record_verdict, run.reply.id, verdict)
        if not verdict.allowed:
            raise Refusal(verdict.code or "moderation_flagged", verdict.detail)

    async def _ask(self, run: Run, address: str) -> None:
        assert self._session is not None

        def show(chunk: Chunk) -> None:
            if not run.reply.show(run.context.beginning + chunk.text):
                return
            if run.first_answered is None:
                run.first_answered = timezone.now()
                run.answered()
                self._breakers.answered(address)
            self._writer.changed(run)

        # The request, with its pictures, is held by nobody here while the reply runs.
        await stream_reply(
            self._session,
            address,
            run.context.protocol,
            await self._request(run),
            show,
            timeouts=self._timeouts,
            on_end=run.worker_sent,
            pictures=self._pictures,
        )

    async def _request(self, run: Run) -> GenerationRequest:
        # Pictures are read and written; for words alone a thread would cost more than the work.
        if not run.context.images:
            return build(run.context)
        return await asyncio.get_running_loop().run_in_executor(self._pictures, build, run.context)
