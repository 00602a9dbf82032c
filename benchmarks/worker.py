"""A worker that answers at once and at a steady rate: `python -m benchmarks.worker`.

The message says what it wants: `tokens=512 rate=50 text=clock stream=7`. Each frame holds the whole reply so far and
ends in a NUL byte; LLaVA's also repeats the prompt, as `llava.serve.model_worker` does, InternVL2's does not. A token
is written at its time whether the reader keeps up or not: a graphics card does not wait either.
"""

import argparse
import asyncio
import json
import re
from collections.abc import Callable

from aiohttp import web

from benchmarks import clock, prose

MODELS = {
    "llava": "llava-v1.5-benchmark",
    "internvl2": "InternVL2-8B-benchmark",
}  # the name tells the protocol
MODEL = MODELS["llava"]
_WISH = re.compile(r"tokens=(\d+) rate=([\d.]+) text=(clock|prose) stream=(\d+)")


class Work:
    """What this worker has done so far. Times are CLOCK_MONOTONIC, in nanoseconds."""

    def __init__(self) -> None:
        self.began = self.ended = self.tokens = 0
        self.requests: dict[str, list[int]] = {}  # stream: the request's arrival, its first token

    def progress(self) -> dict[str, int]:
        return {"began": self.began, "ended": self.ended, "tokens": self.tokens}


_work = web.AppKey("work", Work)
_model = web.AppKey("model", str)


class Reply:
    """Writes one reply, token by token, from timers of the event loop."""

    def __init__(
        self, transport: asyncio.Transport, work: Work, prompt: str, tokens: int, rate: float, text: str
    ) -> None:
        self._transport, self._work = transport, work
        self._head = b'{"text": ' + json.dumps(prompt).encode()[:-1]
        self._body = bytearray()
        self._tokens = tokens
        self._word: Callable[[int], bytes] = _prose_word if text == "prose" else _clock_word
        self._loop = asyncio.get_running_loop()
        self._began, self._seconds = self._loop.time(), 1 / rate
        self._written = 0
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def frame(self) -> bytes:
        """Give the next frame, with one more token."""
        self._body += self._word(self._written)
        self._written += 1
        self._work.tokens += 1
        return b"".join((self._head, self._body, b'", "error_code": 0}\0'))

    def go_on(self) -> None:
        if self._transport.is_closing() or self._written >= self._tokens:
            if not self.ended.done():
                self.ended.set_result(None)
            return
        self._loop.call_at(self._began + self._written * self._seconds, self._write)

    def _write(self) -> None:
        if not self._transport.is_closing():
            frame = self.frame()
            self._transport.write(b"%x\r\n%b\r\n" % (len(frame), frame))
        self.go_on()


def _clock_word(index: int) -> bytes:
    word = clock.token(clock.now_ns())
    return (word if index else word[1:]).encode()


def _prose_word(index: int) -> bytes:
    return json.dumps(prose.token(index)).encode()[1:-1]


async def generate(request: web.Request) -> web.StreamResponse:
    arrived = clock.now_ns()
    work = request.app[_work]
    prompt = (await request.json())["prompt"]
    tokens, rate, text, stream = _WISH.findall(prompt if isinstance(prompt, str) else json.dumps(prompt))[-1]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    assert isinstance(request.transport, asyncio.Transport)
    # InternVL2's workers, which take a list of messages, do not repeat the prompt.
    echoed = prompt if isinstance(prompt, str) else ""
    reply = Reply(request.transport, work, echoed, int(tokens), float(rate), text)
    # The first frame takes the headers with it; the rest bypasses `write`, which would wait for a slow reader.
    await response.write(reply.frame())
    work.began += 1
    work.requests[stream] = [arrived, clock.now_ns()]
    reply.go_on()
    try:
        await reply.ended
    except asyncio.CancelledError:
        reply.ended.cancel()
        raise
    finally:
        work.ended += 1
    await response.write_eof()
    return response


async def status(request: web.Request) -> web.Response:
    return web.json_response({"model_names": [request.app[_model]], "speed": 1, "queue_length": 0})


async def progress(request: web.Request) -> web.Response:
    return web.json_response(request.app[_work].progress())


async def requests(request: web.Request) -> web.Response:
    return web.json_response(request.app[_work].requests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--protocol", choices=list(MODELS), default="llava")
    options = parser.parse_args()
    application = web.Application(client_max_size=64 * 2**20)
    application[_work], application[_model] = Work(), MODELS[options.protocol]
    application.router.add_post("/worker_generate_stream", generate)
    application.router.add_post("/worker_get_status", status)
    application.router.add_get("/progress", progress)
    application.router.add_get("/requests", requests)
    web.run_app(application, host="127.0.0.1", port=options.port, print=None, backlog=4096, access_log=None)


if __name__ == "__main__":
    main()
