"""The demo worker's HTTP side: `/worker_get_status` and `/worker_generate_stream`."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import Any

from aiohttp import web

from chat.demo.answers import WHO, answer
from chat.demo.faults import ANSWERS, BREAKS, Fault, Stream, asked_fault
from chat.demo.frames import Frames, encode, pieces
from chat.demo.options import Options
from chat.demo.pictures import PictureError
from chat.demo.question import Question, Refused, read_question

logger = logging.getLogger(__name__)

_MOST_BYTES = 512 * 1024 * 1024  # some pictures of 25 megapixels as base64 of lossless files
_NO_ROOM = f"{WHO}, but even I can't write a reply of no tokens. Please allow more output tokens."


@dataclass(frozen=True, slots=True)
class Reply:
    """What to write: the text that goes before it in each frame, and the pieces."""

    echo: str
    pieces: list[str]
    question: str


class DemoWorker:
    """Answer as a worker does, at most `limit_model_concurrency` at once; the others wait without a word.

    Like LLaVA's worker it is due to send a heartbeat whenever a reply begins or ends.
    """

    def __init__(self, options: Options, heartbeat_due: asyncio.Event) -> None:
        self._options = options
        self._heartbeat_due = heartbeat_due
        self._slots = asyncio.Semaphore(options.limit_model_concurrency)
        self._queue_length = 0

    def application(self) -> web.Application:
        """Give the aiohttp application; run it with `handler_cancellation`, or Stop would not stop it."""
        application = web.Application(client_max_size=_MOST_BYTES)
        application.router.add_post("/worker_get_status", self._get_status)
        application.router.add_post("/worker_generate_stream", self._generate_stream)
        return application

    def status(self) -> dict[str, Any]:
        """Give what a controller wants to know; the queue counts requests being answered and waiting."""
        return {
            "model_names": [self._options.model_name],
            "speed": 1,
            "queue_length": self._queue_length,
        }

    async def _get_status(self, request: web.Request) -> web.Response:
        return web.json_response(self.status())

    async def _generate_stream(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self._queue_length += 1
        try:
            async with self._slots:
                self._heartbeat_due.set()
                return await self._answer(request, body)
        finally:
            self._queue_length -= 1
            self._heartbeat_due.set()

    async def _answer(self, request: web.Request, body: bytes) -> web.StreamResponse:
        try:
            reply = await asyncio.to_thread(compose, body, self._options.model_name)
        except (Refused, PictureError) as error:
            logger.info("Refused a request: %s", error)
            return web.Response(body=encode(str(error), 1))
        fault = self._options.fault
        if self._options.allow_fault_requests:
            fault = asked_fault(reply.question) or fault
        if fault and fault.kind in ANSWERS:
            return ANSWERS[fault.kind]()
        response = web.StreamResponse()
        await response.prepare(request)
        # A client that has gone usually cancels this handler; a write that is under way may fail first.
        with contextlib.suppress(ConnectionResetError):
            await self._write(Stream(request, response, Frames(reply.echo)), reply.pieces, fault)
        return response

    async def _write(self, stream: Stream, tokens: list[str], fault: Fault | None) -> None:
        breaks_after = fault.after if fault else -1
        repeats = 2 if fault and fault.kind == "duplicate" else 1
        endless = fault is not None and fault.kind == "endless"
        clock = asyncio.get_running_loop().time
        start = clock()
        for count, token in enumerate(chain(tokens, repeat("again ")) if endless else tokens):
            if fault and count == breaks_after and await BREAKS[fault.kind](stream):
                return
            rate = self._options.rate
            # Without a rate it still gives way, so that it learns when the client has gone.
            await asyncio.sleep(max(0.0, start + count / rate - clock()) if rate else 0)
            frame = stream.frames.add(token)
            for _ in range(repeats):
                await stream.response.write(frame)
        if fault and breaks_after >= len(tokens):
            await BREAKS[fault.kind](stream)


def compose(body: bytes, model_name: str) -> Reply:
    """Read a request and compose its reply, cut at its limit and its stop string.

    Takes processor time. Raises `Refused` or `PictureError`.
    """
    question = read_question(body, model_name)
    if question.max_new_tokens < 1:
        return Reply(question.echo, [_NO_ROOM], question.last.question)
    text = answer(question).removeprefix(question.last.reply)
    return Reply(question.echo, list(_limited(text, question)), question.last.question)


def _limited(text: str, question: Question) -> Iterator[str]:
    if question.stop:
        text = text.partition(question.stop)[0]
    return islice(pieces(text), question.max_new_tokens)
