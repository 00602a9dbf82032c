"""A visitor of mmchat: cookie, one websocket, `send`, deltas on a stream; docs/events.md."""

import asyncio
import itertools
import json
import random
import re
import uuid
from html import unescape

import aiohttp

from benchmarks.clock import now_ns
from benchmarks.visitors.base import Arrival, Received

PAUSES = (1, 2, 4, 8, 16)  # seconds until the page sends a picture again that the site was too busy for


class MmchatVisitor:
    """What one page does."""

    accepted_ns: int | None = None

    def __init__(self, session: aiohttp.ClientSession, url: str, model: str, compress: bool) -> None:
        self._session, self._url, self._model, self._compress = session, url, model, compress
        self._headers: dict[str, str] = {}
        self._raw: list[tuple[int, str]] = []
        self._images: list[str] = []
        self._conversation: str | None = None

    async def open(self) -> None:
        if not self._headers:
            await self._load()
        self._socket = await self._session.ws_connect(
            f"{self._url}/ws/chat/",
            headers={"Cookie": self._headers["Cookie"], "Origin": self._url},
            compress=15 if self._compress else 0,
            max_msg_size=0,
        )
        assert (await self._socket.receive_json())["type"] == "hello"

    async def _load(self) -> None:
        async with self._session.get(f"{self._url}/") as response:
            page = await response.text()
            cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in response.cookies.items())
        block = re.search(r'<script id="bootstrap" type="application/json">(.*?)</script>', page, re.DOTALL)
        assert block, page[:500]
        bootstrap = json.loads(unescape(block.group(1)))
        self._headers = {"Cookie": cookies, "X-CSRFToken": bootstrap["csrf_token"], "Origin": self._url}

    def another_tab(self) -> "MmchatVisitor":
        """Give one more page of the same visitor, still to be opened."""
        tab = MmchatVisitor(self._session, self._url, self._model, self._compress)
        tab._headers = self._headers
        return tab

    async def upload(self, picture: bytes) -> None:
        # After the last pause a person would press the button, so the last one goes on.
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
            form = aiohttp.FormData()
            form.add_field("image", picture, filename="photo.jpg", content_type="image/jpeg")
            address = f"{self._url}/uploads/"
            async with self._session.post(address, data=form, headers=self._headers) as response:
                if response.status == 201:
                    self._images = [(await response.json())["id"]]
                    return
                said = await response.text()
            assert '"images_busy"' in said, said
            await asyncio.sleep(pause * random.uniform(0.5, 1))

    async def ask(self, text: str) -> None:
        self._raw.clear()
        frame = {
            "type": "send",
            "client_id": str(uuid.uuid4()),
            "model": self._model,
            "text": text,
            "images": self._images,
            "conversation": self._conversation,
        }
        self._images = []
        await self._socket.send_json({**frame, "parameters": {"max_output_tokens": 4096}})
        while True:
            data = await self._socket.receive_str()
            self._raw.append((now_ns(), data))
            if data.startswith('{"type":"state"') and '"state":"streaming"' not in data:
                break
            assert not data.startswith('{"type":"error"'), data
            if data.startswith('{"type":"accepted"'):
                self.accepted_ns = self._raw[-1][0]
                self._conversation = json.loads(data)["conversation"]

    async def stay(self) -> str:
        """Answer pings until the server says something else; give what."""
        return str(await self._socket.receive())

    def received(self) -> Received:
        arrivals, text = [], ""
        for read_ns, data in self._raw:
            frame = json.loads(data)
            if isinstance(frame, list):
                text += frame[1]
            elif frame["type"] == "stream":
                assert frame["offset"] == len(text), "a gap or a repetition"
                continue
            elif frame["type"] == "replace":
                text = frame["text"]
            elif frame["type"] == "message" and frame["message"]["role"] == "assistant":
                text = frame["message"]["text"]
            else:
                continue
            arrivals.append(Arrival(read_ns, len(text)))
        return Received(arrivals, text)

    async def close(self) -> None:
        await self._socket.close()
