"""The limit: a relay without any framework, database or account, under mmchat's policy of one frame per 50 ms.

`python -m benchmarks.relay`: a websocket takes `{"text": ..., "image": name | null}`, the worker's reply comes back as
`{"type": "delta", "offset": ..., "text": ...}` and at last `{"type": "end"}`. What one socket asks is one conversation.
"""

import argparse
import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
from aiohttp import WSMsgType, web

from benchmarks.worker import MODELS

PACE_SECONDS = 0.05
_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)


class Frame(msgspec.Struct):
    text: str


class Delta(msgspec.Struct):
    content: str | None = None


class Choice(msgspec.Struct):
    delta: Delta


class Event(msgspec.Struct):
    choices: list[Choice]


_decoder = msgspec.json.Decoder(Frame)
_events = msgspec.json.Decoder(Event)
PATHS = {"openai": "/v1/chat/completions"}
_session = web.AppKey("session", aiohttp.ClientSession)
_worker = web.AppKey("worker", str)
_protocol = web.AppKey("protocol", str)
_images = web.AppKey("images", dict[str, bytes])


class Conversation:
    """What one socket asked and got, as its protocol wants it: one string, or a list of messages."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._string = _SYSTEM
        self._messages: list[dict[str, Any]] = [{"role": "system", "content": _SYSTEM}]

    def request(self, text: str, image: bytes | None) -> dict[str, Any]:
        """Add a question, and give what the worker gets."""
        encoded = [base64.b64encode(image).decode()] if image else []
        if self._protocol == "internvl2":
            message = {"role": "user", "content": text}
            self._messages.append({**message, "image": encoded} if encoded else message)
            return {"prompt": self._messages}
        if self._protocol == "openai":
            self._messages.append(
                {"role": "user", "content": text if image is None else _parts(text, encoded[0])}
            )
            return {"model": "org/benchmark", "messages": self._messages, "stream": True}
        self._string += f" USER: {'<image>' * len(encoded)}{text} ASSISTANT:"
        return {"prompt": self._string, "images": encoded}

    def echoed(self) -> int:
        """Give how many characters of each frame repeat the prompt."""
        return len(self._string) if self._protocol == "llava" else 0

    def answered(self, text: str) -> None:
        self._string += text
        self._messages.append({"role": "assistant", "content": text})


def _parts(text: str, image: str) -> list[dict[str, Any]]:
    url = {"url": f"data:image/jpeg;base64,{image}"}
    return [{"type": "image_url", "image_url": url}, {"type": "text", "text": text}]


class Pacer:
    """Sends the newest complete frame's new text: the first at once, then at most one per 50 ms."""

    def __init__(self, socket: web.WebSocketResponse, skip: int) -> None:
        self._socket, self._skip = socket, skip
        self.text = ""
        self._rest = b""
        self._newest: Any = None
        self._sent = 0
        self._woken = asyncio.Event()
        self._ended = False

    def feed(self, data: bytes) -> None:
        *complete, self._rest = (self._rest + data).split(b"\0")
        if complete:
            self._newest = complete[-1]
            self._woken.set()

    def end(self) -> None:
        self._ended = True
        self._woken.set()

    async def run(self) -> None:
        while not (self._ended and self._newest is None):
            await self._woken.wait()
            self._woken.clear()
            if self._newest is None:
                continue
            self.text = text = self._read()
            if len(text) > self._sent:
                delta = {"type": "delta", "offset": self._sent, "text": text[self._sent :]}
                self._sent = len(text)
                await self._socket.send_str(msgspec.json.encode(delta).decode())
            if not self._ended:
                await asyncio.sleep(PACE_SECONDS)
        await self._socket.send_str('{"type": "end"}')

    def _read(self) -> str:
        frame, self._newest = self._newest, None
        return _decoder.decode(frame).text[self._skip :]


class EventPacer(Pacer):
    """The same of server-sent events, of which each counts."""

    def feed(self, data: bytes) -> None:
        *complete, self._rest = (self._rest + data).split(b"\n\n")
        if complete:
            self._newest = [*(self._newest or ()), *complete]
            self._woken.set()

    def _read(self) -> str:
        events, self._newest = self._newest, None
        said = (_events.decode(event[6:]).choices[0].delta for event in events if event != b"data: [DONE]")
        return self.text + "".join(delta.content or "" for delta in said)


async def chat(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    conversation = Conversation(request.app[_protocol])
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await _answer(request.app, socket, conversation, message.json())
    return socket


async def _answer(
    app: web.Application, socket: web.WebSocketResponse, conversation: Conversation, asked: dict
) -> None:
    image = app[_images].pop(asked["image"]) if asked["image"] else None
    body = msgspec.json.encode(conversation.request(asked["text"], image))
    protocol = app[_protocol]
    pacer = (EventPacer if protocol == "openai" else Pacer)(socket, conversation.echoed())
    url = app[_worker] + PATHS.get(protocol, "/worker_generate_stream")
    sender = asyncio.create_task(pacer.run())
    try:
        async with app[_session].post(url, data=body) as response:
            while data := await response.content.readany():
                pacer.feed(data)
        pacer.end()
        await sender
        conversation.answered(pacer.text)
    finally:
        sender.cancel()


async def upload(request: web.Request) -> web.Response:
    name = secrets.token_hex(8)
    request.app[_images][name] = await request.read()
    return web.Response(text=name)


async def _open_session(app: web.Application) -> AsyncIterator[None]:
    app[_session] = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=None),
        headers={"Content-Type": "application/json"},
    )
    yield
    await app[_session].close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--worker", required=True)
    parser.add_argument("--protocol", choices=list(MODELS), default="llava")
    options = parser.parse_args()
    app = web.Application(client_max_size=64 * 2**20)
    app[_worker], app[_protocol], app[_images] = options.worker, options.protocol, {}
    app.cleanup_ctx.append(_open_session)
    app.router.add_get("/", chat)
    app.router.add_post("/upload", upload)
    web.run_app(app, host="127.0.0.1", port=options.port, print=None, backlog=4096, access_log=None)


if __name__ == "__main__":
    main()
