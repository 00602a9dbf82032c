"""Answer requests with a model's replies: each is written by a thread, and sent as fast as the client reads."""

import asyncio
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from chat.model_worker.replies import ContextFull, Model, OutOfMemory, Reply
from chat.serving.frames import Frames, encode
from chat.serving.messages import BadRequest, read_messages
from chat.serving.pictures import PictureError

logger = logging.getLogger(__name__)

# As FastChat's workers number them (`fastchat.constants.ErrorCode`); to a gateway each but 0 is an error.
BAD_REQUEST = 40001
CONTEXT_FULL = 40303
FAILED = 50001
OUT_OF_MEMORY = 50002


class _Newest:
    """The newest frame of a reply: a thread puts it, and the event loop takes what it has not taken yet."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._frame = b""
        self._ended = False

    def put(self, frame: bytes) -> None:
        self._frame = frame
        self._loop.call_soon_threadsafe(self._changed.set)

    def end(self) -> None:
        self._ended = True
        self._loop.call_soon_threadsafe(self._changed.set)

    async def take(self) -> bytes:
        """Wait for a newer frame; empty when there is none any more."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            ended, frame, self._frame = self._ended, self._frame, b""
            if ended:
                self._changed.set()
            if frame or ended:
                return frame


class ModelAnswers:
    """A model's way to answer, `at_once` requests at most; each reply ends when its client goes."""

    def __init__(self, model: Model, at_once: int) -> None:
        self._model = model
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="reply")

    def close(self) -> None:
        """Take no more requests; those under way end with their clients."""
        self._threads.shutdown(wait=False)

    async def answer(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Answer one request; cancelled when the client goes. It ends when the model has."""
        newest, stop = _Newest(), threading.Event()
        writing = asyncio.get_running_loop().run_in_executor(self._threads, self._write, body, newest, stop)
        response = web.StreamResponse()
        try:
            await response.prepare(request)
            while frame := await newest.take():
                await response.write(frame)
        # A client that has gone usually cancels this handler; a write that is under way may fail first.
        except ConnectionResetError:
            pass
        finally:
            stop.set()
            await asyncio.wait([writing])
        return response

    def _write(self, body: bytes, newest: _Newest, stop: threading.Event) -> None:
        try:
            self._reply(body, newest, stop)
        except ContextFull as error:
            self._refuse(newest, CONTEXT_FULL, str(error))
        except (BadRequest, PictureError) as error:
            self._refuse(newest, BAD_REQUEST, str(error))
        except OutOfMemory as error:
            self._refuse(newest, OUT_OF_MEMORY, str(error))
        except Exception as error:
            logger.exception("A reply failed")
            newest.put(encode(f"{type(error).__name__}: {error}", FAILED))
        finally:
            newest.end()

    def _refuse(self, newest: _Newest, code: int, reason: str) -> None:
        logger.warning("Refused a request: %s", reason)
        newest.put(encode(reason, code))

    def _reply(self, body: bytes, newest: _Newest, stop: threading.Event) -> None:
        request = read_messages(body)
        inputs = self._model.prepare(request)
        frames, decoding = Frames(), self._model.decoding()

        def tell(token: int) -> None:
            if piece := decoding.add(token):
                newest.put(frames.add(piece))

        reply = self._model.generate(inputs, request, tell, stop)
        newest.put(_last_frame(decoding.whole(), reply))


def _last_frame(text: str, reply: Reply) -> bytes:
    """Write the frame that ends a reply, with what FastChat's workers tell beside its text."""
    frame = {
        "text": text,
        "error_code": 0,
        "usage": {
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.tokens,
            "total_tokens": reply.prompt_tokens + reply.tokens,
        },
        "finish_reason": "length" if reply.cut else "stop",
    }
    return json.dumps(frame).encode() + b"\0"
