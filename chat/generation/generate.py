"""Generate one reply: check the question, wait for a place, ask one worker after the other until one answers."""

import asyncio
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import aiohttp
from django.conf import settings
from django.utils import timezone

from chat.backends import check_backend, key_of
from chat.controller.workers import forget
from chat.database import DatabaseThread
from chat.generation import records
from chat.generation.breakers import Breakers
from chat.generation.context import build, digest, template_used
from chat.generation.moderate import Moderator
from chat.generation.run import Run
from chat.generation.templates import WorkersTemplates, name_of
from chat.generation.waiting import WaitingLine
from chat.generation.writer import Writer
from chat.models import ReplyState
from chat.prompts.fastchat import ConvTemplate
from chat.queue import Candidate
from chat.workers.errors import (
    NOT_REACHED,
    WorkerBadCertificate,
    WorkerEmpty,
    WorkerError,
    WorkerKeyMissing,
    WorkerUnauthorised,
)
from chat.workers.protocols import PROTOCOLS, Chunk, GenerationRequest, Protocol
from chat.workers.stream import Timeouts, leaving_out, make_session, stream_reply

# Reading and encoding pictures holds Python's lock much of the time: with more threads at it, every reply that streams
# would wait for each of them in turn.
PICTURE_THREADS = 2
# What keeps every reply from an endpoint, so that administrators find it with the backend.
_BACKEND_FAILS = (*NOT_REACHED, WorkerBadCertificate, WorkerKeyMissing, WorkerUnauthorised)


class Generator:
    """Hold what every reply of a process needs."""

    def __init__(
        self,
        owner: uuid.UUID,
        database: DatabaseThread,
        line: WaitingLine,
        breakers: Breakers,
        writer: Writer,
        moderator: Moderator,
    ) -> None:
        self._owner = owner
        self._database = database
        self._line = line
        self._breakers = breakers
        self._writer = writer
        self._moderator = moderator
        self._session: aiohttp.ClientSession | None = None
        self._templates = WorkersTemplates(database)
        # By address and model: what its server said it does not take.
        self._refused: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
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
        await self._moderator.check_message(run)
        while True:
            worker, run.admitted_to = run.admitted_to or await self._line.place(run), None
            address = worker.address
            run.reply.set_state(ReplyState.STREAMING)
            run.sent_to(address)
            try:
                await self._ask(run, worker)
            except WorkerError as error:
                if isinstance(error, WorkerEmpty) and run.context.beginning and run.sent.frames:
                    # The model had nothing to add, and said so.
                    return self._breakers.completed(address)
                if error.blames_worker:
                    self._breakers.failed(address, error)
                else:
                    self._breakers.left(address)
                run.failed(error)
                if isinstance(error, NOT_REACHED):
                    # A worker that lives registers again at its next heartbeat; others get no more visitors.
                    await self._database.run(forget, address)
                    self._line.worker_forgotten()
                if isinstance(error, _BACKEND_FAILS):
                    await self._database.run(records.note_backend, address, str(error))
                if run.first_answered:
                    raise
                if not await self._database.run(records.requeue, self._owner, run.reply.id):
                    raise
            except BaseException:
                self._breakers.left(address)
                raise
            else:
                return self._breakers.completed(address)

    async def _ask(self, run: Run, worker: Candidate) -> None:
        assert self._session is not None
        protocol = PROTOCOLS[worker.protocol]
        if protocol.name == "openai":
            # Its name may lead elsewhere by now.
            await asyncio.to_thread(check_backend, worker.address)
        own = None
        if protocol.tells_template and not run.context.template:
            own = await self._templates.of(worker.address, run.context.model)

        def show(chunk: Chunk) -> None:
            if not run.reply.show(run.context.beginning + chunk.text):
                return
            if run.first_answered is None:
                run.first_answered = timezone.now()
                run.answered()
                self._breakers.answered(worker.address)
            self._writer.changed(run)

        session = self._session

        async def ask(without: frozenset[str]) -> None:
            # The request, with its pictures, is held by nobody here while the reply runs.
            await stream_reply(
                session,
                worker.address,
                protocol,
                await self._request(run, protocol, own, without),
                show,
                key=key_of(worker.key_variable),
                timeouts=self._timeouts,
                on_end=run.worker_sent,
                pictures=self._pictures,
            )

        await leaving_out(self._refused[worker.address, run.context.model], ask)

    async def _request(
        self, run: Run, protocol: Protocol, own: ConvTemplate | None, without: frozenset[str]
    ) -> GenerationRequest:
        # Pictures are read and written; for words alone a thread would cost more than the work.
        if run.context.images:
            loop = asyncio.get_running_loop()
            request = await loop.run_in_executor(self._pictures, build, run.context, protocol, own)
        else:
            request = build(run.context, protocol, own)
        request = replace(request, without=without)
        template = name_of(own) if own else template_used(run.context, protocol)
        run.asked = records.Asked(protocol.name, template, digest(request, protocol))
        return request
