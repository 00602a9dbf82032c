"""A worker that answers at once and at a steady rate: `python -m benchmarks.worker`.

The message says what it wants: `tokens=512 rate=50 text=clock stream=7`. Each frame holds the whole reply so far and
ends in a NUL byte; LLaVA's also repeats the prompt, as `llava.serve.model_worker` does, InternVL2's does not,
FastChat's counts as well. With `--protocol openai` it is a server: each event holds one token, as vLLM writes them. A
token is written at its time whether the reader keeps up or not: a graphics card does not wait either.
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
    "fastchat": "vicuna-benchmark",
    "openai": "org/benchmark",
}  # the name tells the first two protocols
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
_protocol = web.AppKey("protocol", str)


Frames = Callable[[bytes], bytes]  # gives the frame that one more word makes


def whole_texts(before: str, after: bytes = b'", "error_code": 0}\0') -> Frames:
    """Give frames that hold the whole text so far, as LLaVA's and InternVL2's workers do."""
    head, body = b'{"text": ' + json.dumps(before).encode()[:-1], bytearray()

    def frame(word: bytes) -> bytes:
        body.extend(word)
        return b"".join((head, body, after))

    return frame


def with_counts() -> Frames:
    """Give frames as FastChat's workers write them."""
    count, frame = 0, whole_texts("", b"")

    def counted(word: bytes) -> bytes:
        nonlocal count
        count += 1
        return frame(word) + (
            b'", "error_code": 0, "usage": {"prompt_tokens": 40, "completion_tokens": %d, "total_tokens": %d}, '
            b'"finish_reason": null, "logprobs": null}\0' % (count, count + 40)
        )

    return counted


def events() -> Frames:
    """Give server-sent events, a token each, with what vLLM writes around it."""
    head = (
        b'data: {"id":"chatcmpl-0f3c9d6e2b7a4c1f8e5d","object":"chat.completion.chunk","created":1767225600,'
        b'"model":"org/benchmark","choices":[{"index":0,"delta":{"content":"'
    )
    tail = b'"},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n'
    return lambda word: b"".join((head, word, tail))


END_OF_EVENTS = (
    b'data: {"id":"chatcmpl-0f3c9d6e2b7a4c1f8e5d","object":"chat.completion.chunk","created":1767225600,'
    b'"model":"org/benchmark","choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":"stop"}]}'
    b"\n\ndata: [DONE]\n\n"
)


class Reply:
    """Writes one reply, token by token, from timers of the event loop."""

    def __init__(
        self, transport: asyncio.Transport, work: Work, frames: Frames, tokens: int, rate: float, text: str
    ) -> None:
        self._transport, self._work = transport, work
        self._frames = frames
        self._tokens = tokens
        self._word: Callable[[int], bytes] = _prose_word if text == "prose" else _clock_word
        self._loop = asyncio.get_running_loop()
        self._began, self._seconds = self._loop.time(), 1 / rate
        self._written = 0
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def frame(self) -> bytes:
        """Give the next frame, with one more token."""
        frame = self._frames(self._word(self._written))
        self._written += 1
        self._work.tokens += 1
        return frame

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
    asked = await request.json()
    protocol = request.app[_protocol]
    prompt = asked["messages"] if protocol == "openai" else asked["prompt"]
    tokens, rate, text, stream = _WISH.findall(prompt if isinstance(prompt, str) else json.dumps(prompt))[-1]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    assert isinstance(request.transport, asyncio.Transport)
    frames = {
        "llava": lambda: whole_texts(prompt),
        "internvl2": lambda: whole_texts(""),
        "fastchat": with_counts,
        "openai": events,
    }[protocol]()
    reply = Reply(request.transport, work, frames, int(tokens), float(rate), text)
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
    if protocol == "openai":
        await response.write(END_OF_EVENTS)
    await response.write_eof()
    return response


async def status(request: web.Request) -> web.Response:
    return web.json_response({"model_names": [request.app[_model]], "speed": 1, "queue_length": 0})


async def template(request: web.Request) -> web.Response:
    conv = {
        "name": "vicuna_v1.1",
        "system_message": "A chat.",
        "roles": ["USER", "ASSISTANT"],
        "messages": [],
    }
    return web.json_response({"conv": {**conv, "sep_style": 2, "sep": " ", "sep2": "</s>"}})


async def models(request: web.Request) -> web.Response:
    return web.json_response({"data": [{"id": request.app[_model]}]})


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
    application[_protocol] = options.protocol
    application.router.add_post("/worker_generate_stream", generate)
    application.router.add_post("/worker_get_status", status)
    application.router.add_post("/worker_get_conv_template", template)
    application.router.add_post("/v1/chat/completions", generate)
    application.router.add_get("/v1/models", models)
    application.router.add_get("/progress", progress)
    application.router.add_get("/requests", requests)
    web.run_app(application, host="127.0.0.1", port=options.port, print=None, backlog=4096, access_log=None)


if __name__ == "__main__":
    main()
