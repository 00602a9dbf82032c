"""A visitor over the real protocols: pages by HTTP, one socket, and the page's own rules for offsets and epochs."""

import asyncio
import io
import json
import re
import uuid
from contextlib import asynccontextmanager
from html import unescape

import requests
import websockets
from PIL import Image

FINAL = {"complete", "stopped", "failed", "interrupted"}


class Visitor:
    """One browser: its cookies, its uploads, and the sockets it opens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        page = self.http.get(f"{url}/")
        page.raise_for_status()
        block = re.search(r'<script id="bootstrap" type="application/json">(.*?)</script>', page.text, re.S)
        self.bootstrap = json.loads(unescape(block.group(1)))

    def post(self, path: str, **more) -> requests.Response:
        headers = {"X-CSRFToken": self.bootstrap["csrf_token"], "Origin": self.url, **more.pop("headers", {})}
        return self.http.post(self.url + path, headers=headers, **more)

    def upload(self, picture: Image.Image | bytes, name: str = "picture.png") -> dict:
        if isinstance(picture, Image.Image):
            file = io.BytesIO()
            picture.save(file, "PNG")
            picture = file.getvalue()
        answer = self.post("/uploads/", files={"image": (name, picture)})
        assert answer.status_code == 201, answer.text
        return answer.json()

    @property
    def cookies(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)

    def connect(self, **more) -> websockets.connect:
        """Open a socket with this browser's cookies, and read nothing from it."""
        return websockets.connect(
            f"{self.url.replace('http', 'ws')}/ws/chat/",
            origin=more.pop("origin", self.url),
            additional_headers={"Cookie": self.cookies},
            max_size=None,
            **more,
        )

    @asynccontextmanager
    async def socket(self, **more):
        async with self.connect(**more) as connection:
            page = Page(connection)
            await page.expect("hello")
            yield page


class Page:
    """One open page: sends frames, and holds of each message what a browser would hold."""

    def __init__(self, connection) -> None:
        self.connection = connection
        self.messages: dict[str, dict] = {}
        self.frames: list[dict] = []
        self.gaps = 0
        self.streams: dict[int, str] = {}

    async def send(self, type: str, **fields) -> None:
        await self.connection.send(json.dumps({"type": type, **fields}))

    async def receive(self, seconds: float = 20) -> dict:
        async with asyncio.timeout(seconds):
            frame = json.loads(await self.connection.recv())
        if isinstance(frame, list):
            frame = {"type": "delta", "stream": frame[0], "text": frame[1]}
        self.frames.append(frame)
        self._apply(frame)
        if frame["type"] == "missed":
            await self.send("open", conversation=frame["conversation"], have=self.have())
        return frame

    def have(self) -> list[dict]:
        """Give what this page holds, as `open` tells it."""
        return [
            {"message": key, "epoch": held["epoch"], "offset": len(held["text"])}
            for key, held in self.messages.items()
        ]

    async def expect(self, type: str, seconds: float = 20) -> dict:
        """Read frames until one of `type` comes, and give it."""
        async with asyncio.timeout(seconds):
            while (frame := await self.receive(seconds))["type"] != type:
                pass
        return frame

    async def ask(self, text: str, model: str, seconds: float = 20, **fields) -> dict:
        """Send a message and give the `accepted` frame, or the `error`."""
        client_id = fields.pop("client_id", str(uuid.uuid4()))
        await self.send("send", client_id=client_id, model=model, text=text, **fields)
        async with asyncio.timeout(seconds):
            while True:
                frame = await self.receive(seconds)
                if frame["type"] in ("accepted", "error") and frame["client_id"] == client_id:
                    return frame

    async def until(self, reply: str, condition, seconds: float = 30) -> dict:
        """Read frames until what is held of `reply` meets `condition`, and give it."""
        async with asyncio.timeout(seconds):
            while reply not in self.messages or not condition(self.messages[reply]):
                await self.receive(seconds)
        return self.messages[reply]

    async def until_ended(self, reply: str, seconds: float = 30) -> dict:
        return await self.until(reply, lambda message: message["state"] in FINAL, seconds)

    async def until_text(self, reply: str, characters: int = 1, seconds: float = 30) -> dict:
        return await self.until(reply, lambda message: len(message["text"]) >= characters, seconds)

    async def until_closed(self, seconds: float = 20) -> int:
        """Read frames until the site closes the socket, and give its close code."""
        try:
            while True:
                await self.receive(seconds)
        except websockets.ConnectionClosed:
            return self.connection.close_code

    def _apply(self, frame: dict) -> None:
        match frame["type"]:
            case "conversation":
                for info in frame["messages"]:
                    self._take(info)
            case "message":
                self._take(frame["message"])
            case "stream":
                held = self.messages[frame["message"]]
                self.streams[frame["stream"]] = frame["message"]
                if (frame["epoch"], frame["offset"]) != (held["epoch"], len(held["text"])):
                    self.gaps += 1
            case "delta":
                self.messages[self.streams[frame["stream"]]]["text"] += frame["text"]
            case "replace":
                self.messages[frame["message"]].update(text=frame["text"], epoch=frame["epoch"])
            case "feedback":
                said = {key: value for key, value in frame.items() if key not in ("type", "message")}
                self.messages[frame["message"]].update(said)
            case "state":
                held = self.messages[frame["message"]]
                held.update({name: frame[name] for name in ("state", "failure", "cut", "notice")})
                if frame["state"] in FINAL:
                    assert (held["epoch"], len(held["text"])) == (frame["epoch"], frame["length"])

    def _take(self, info: dict) -> None:
        text = info["text"]
        if info["offset"]:
            before = self.messages[info["id"]]
            if before["epoch"] == info["epoch"]:
                text = before["text"][: info["offset"]] + text
            else:
                # A `replace` came after this page had asked, and is not written yet: it comes again at once.
                assert info["state"] not in FINAL
                text = ""
        self.messages[info["id"]] = {**info, "text": text}
