"""A worker that answers at once and at a steady rate, over the LLaVA protocol: `python -m benchmarks.worker`.

The message says what it wants: `tokens=512 rate=50 text=clock`. Each frame holds the prompt and the whole reply so
far and ends in a NUL byte, as `llava.serve.model_worker` sends them. A token is written at its time whether the
reader keeps up or not: a graphics card does not wait either.
"""

import argparse
import asyncio
import json
import re

from aiohttp import web

from benchmarks import clock, prose

MODEL = "llava-v1.5-benchmark"
_WISH = re.compile(r"tokens=(\d+) rate=([\d.]+) text=(clock|prose)")


class Reply:
    """Writes one reply, token by token, from timers of the event loop."""

    def __init__(
        self, transport: asyncio.Transport, prompt: str, tokens: int, rate: float, text: str
    ) -> None:
        self._transport = transport
        self._head = b'{"text": ' + json.dumps(prompt).encode()[:-1]
        self._body = bytearray()
        self._tokens, self._text = tokens, text
        self._loop = asyncio.get_running_loop()
        self._began, self._seconds = self._loop.time(), 1 / rate
        self._written = 0
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def frame(self) -> bytes:
        """Give the next frame, with one more token."""
        if self._text == "prose":
            word = prose.token(self._written)
        else:
            word = clock.token(clock.now_ns())
            word = word if self._written else word[1:]
        self._written += 1
        self._body += json.dumps(word).encode()[1:-1]
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


async def generate(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    prompt = body["prompt"]
    asked = prompt if isinstance(prompt, str) else json.dumps(prompt)
    wish = _WISH.findall(asked)[-1]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    assert isinstance(request.transport, asyncio.Transport)
    # InternVL2's workers, which take a list of messages, do not repeat the prompt.
    echoed = prompt if isinstance(prompt, str) else ""
    reply = Reply(request.transport, echoed, int(wish[0]), float(wish[1]), wish[2])
    # The first frame takes the headers with it; the rest bypasses `write`, which would wait for a slow reader.
    await response.write(reply.frame())
    reply.go_on()
    try:
        await reply.ended
    except asyncio.CancelledError:
        reply.ended.cancel()
        raise
    await response.write_eof()
    return response


async def status(request: web.Request) -> web.Response:
    return web.json_response({"model_names": [MODEL], "speed": 1, "queue_length": 0})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    application = web.Application(client_max_size=64 * 2**20)
    application.router.add_post("/worker_generate_stream", generate)
    application.router.add_post("/worker_get_status", status)
    web.run_app(application, host="127.0.0.1", port=options.port, print=None, backlog=4096, access_log=None)


if __name__ == "__main__":
    main()
