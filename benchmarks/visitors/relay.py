"""A visitor of the bare relay: one websocket, deltas by offset."""

import json

import aiohttp

from benchmarks.clock import now_ns
from benchmarks.visitors.base import Arrival, Received


class RelayVisitor:
    """What one socket asks is one conversation."""

    accepted_ns = None

    def __init__(self, session: aiohttp.ClientSession, url: str, model: str, compress: bool) -> None:
        self._session, self._url, self._compress = session, url, compress
        self._raw: list[tuple[int, str]] = []
        self._image: str | None = None

    async def open(self) -> None:
        self._socket = await self._session.ws_connect(
            f"{self._url}/", compress=15 if self._compress else 0, max_msg_size=0
        )

    def another_tab(self) -> "RelayVisitor":
        """Give one more page of the same visitor, still to be opened."""
        return RelayVisitor(self._session, self._url, "", self._compress)

    async def upload(self, picture: bytes) -> None:
        async with self._session.post(f"{self._url}/upload", data=picture) as response:
            self._image = await response.text()

    async def ask(self, text: str) -> None:
        self._raw.clear()
        await self._socket.send_json({"text": text, "image": self._image})
        self._image = None
        while (data := await self._socket.receive_str()) != '{"type": "end"}':
            self._raw.append((now_ns(), data))

    async def stay(self) -> str:
        """Answer pings until the server says something else; give what."""
        return str(await self._socket.receive())

    def received(self) -> Received:
        arrivals, text = [], ""
        for read_ns, data in self._raw:
            text += json.loads(data)["text"]
            arrivals.append(Arrival(read_ns, len(text)))
        return Received(arrivals, text)

    async def close(self) -> None:
        await self._socket.close()
