"""Answer a request as the demo worker does: compose the whole reply, then write it at its rate, or misbehave."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat

from aiohttp import web

from chat.demo.answers import WHO, answer
from chat.demo.faults import ANSWERS, BREAKS, Fault, Stream, asked_fault
from chat.demo.options import Options
from chat.demo.question import BadRequest, Question, read_question
from chat.demo.tokens import pieces
from chat.serving.frames import Frames, encode
from chat.serving.pictures import PictureError

logger = logging.getLogger(__name__)

_NO_ROOM = f"{WHO}, but even I can't write a reply of no tokens. Please allow more output tokens."


@dataclass(frozen=True, slots=True)
class Reply:
    """What to write: the text that goes before it in each frame, and the pieces."""

    echo: str
    pieces: list[str]
    question: str


class Demo:
    """The demo worker's way to answer."""

    def __init__(self, options: Options) -> None:
        self._options = options

    async def answer(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Answer one request; cancelled when the client goes."""
        try:
            reply = await asyncio.to_thread(compose, body, self._options.model_name)
        except (BadRequest, PictureError) as error:
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

    Takes processor time. Raises `BadRequest` or `PictureError`.
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
