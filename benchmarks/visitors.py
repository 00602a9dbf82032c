"""What a browser does with each server: open, perhaps upload, ask, read until the reply has ended.

A visitor notes when it read what, raw; what that means is worked out after the run, so that reading stays cheap.
"""

import json
import re
import secrets
import uuid
from collections.abc import Callable
from html import unescape
from typing import Any, NamedTuple, Protocol

import aiohttp

from benchmarks.clock import now_ns
from benchmarks.worker import MODEL


class Arrival(NamedTuple):
    """At `read_ns` the client held `length` characters of the reply."""

    read_ns: int
    length: int


class Received(NamedTuple):
    arrivals: list[Arrival]
    text: str


class Visitor(Protocol):
    """One visitor of one server. `open` comes before the measured time, `upload` and `ask` are in it."""

    async def open(self) -> None: ...
    async def upload(self, picture: bytes) -> None: ...
    async def ask(self, text: str) -> None: ...
    def received(self) -> Received: ...
    async def close(self) -> None: ...


class MmchatVisitor:
    """The page's own protocol: cookie, one websocket, `send`, deltas by offset."""

    def __init__(self, session: aiohttp.ClientSession, url: str, compress: bool) -> None:
        self._session, self._url, self._compress = session, url, compress
        self._raw: list[tuple[int, str]] = []
        self._images: list[str] = []

    async def open(self) -> None:
        async with self._session.get(f"{self._url}/") as response:
            page = await response.text()
            cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in response.cookies.items())
        block = re.search(r'<script id="bootstrap" type="application/json">(.*?)</script>', page, re.DOTALL)
        assert block, page[:500]
        bootstrap = json.loads(unescape(block.group(1)))
        self._headers = {"Cookie": cookies, "X-CSRFToken": bootstrap["csrf_token"], "Origin": self._url}
        self._socket = await self._session.ws_connect(
            f"{self._url}/ws/chat/",
            headers={"Cookie": cookies, "Origin": self._url},
            compress=15 if self._compress else 0,
            max_msg_size=0,
        )
        assert (await self._socket.receive_json())["type"] == "hello"

    async def upload(self, picture: bytes) -> None:
        form = aiohttp.FormData()
        form.add_field("image", picture, filename="photo.jpg", content_type="image/jpeg")
        async with self._session.post(f"{self._url}/uploads/", data=form, headers=self._headers) as response:
            assert response.status == 201, await response.text()
            self._images = [(await response.json())["id"]]

    async def ask(self, text: str) -> None:
        frame = {
            "type": "send",
            "client_id": str(uuid.uuid4()),
            "model": MODEL,
            "text": text,
            "images": self._images,
        }
        await self._socket.send_json({**frame, "parameters": {"max_output_tokens": 4096}})
        while True:
            data = await self._socket.receive_str()
            self._raw.append((now_ns(), data))
            if data.startswith('{"type":"state"') and '"state":"streaming"' not in data:
                break
            assert not data.startswith('{"type":"error"'), data

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


class RelayVisitor:
    """The bare relay's protocol: one websocket, deltas by offset."""

    def __init__(self, session: aiohttp.ClientSession, url: str, compress: bool) -> None:
        self._session, self._url, self._compress = session, url, compress
        self._raw: list[tuple[int, str]] = []
        self._image: str | None = None

    async def open(self) -> None:
        self._socket = await self._session.ws_connect(
            f"{self._url}/", compress=15 if self._compress else 0, max_msg_size=0
        )

    async def upload(self, picture: bytes) -> None:
        async with self._session.post(f"{self._url}/upload", data=picture) as response:
            self._image = await response.text()

    async def ask(self, text: str) -> None:
        await self._socket.send_json({"text": text, "image": self._image})
        while (data := await self._socket.receive_str()) != '{"type": "end"}':
            self._raw.append((now_ns(), data))

    def received(self) -> Received:
        arrivals, text = [], ""
        for read_ns, data in self._raw:
            text += json.loads(data)["text"]
            arrivals.append(Arrival(read_ns, len(text)))
        return Received(arrivals, text)

    async def close(self) -> None:
        await self._socket.close()


class GradioVisitor:
    """Gradio's protocol as its page speaks it: the chain of events behind Enter, and one event stream.

    Which calls follow which is read from `/config`, so the order is the page's own.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, compress: bool) -> None:
        self._session, self._url = session, url
        self._headers = {"Accept-Encoding": "gzip, deflate, br" if compress else "identity"}
        self._hash = secrets.token_hex(6)
        self._raw: list[tuple[int, bytes]] = []
        self._files: list[dict[str, Any]] = []

    async def open(self) -> None:
        async with self._session.get(f"{self._url}/config", headers=self._headers) as response:
            config = await response.json()
        self._api = self._url + config["api_prefix"]
        self._calls = {call["id"]: call for call in config["dependencies"] if call["backend_fn"]}
        # State lives on the server; the page holds the values of all else.
        self._values = {part["id"]: part["props"].get("value") for part in config["components"]}
        self._textbox = next(
            part["id"] for part in config["components"] if part["type"] == "multimodaltextbox"
        )
        self._submit = next(
            call["id"] for call in self._calls.values() if [self._textbox, "submit"] in call["targets"]
        )

    async def upload(self, picture: bytes) -> None:
        form = aiohttp.FormData()
        form.add_field("files", picture, filename="photo.jpg", content_type="image/jpeg")
        async with self._session.post(f"{self._api}/upload", data=form, headers=self._headers) as response:
            path = (await response.json())[0]
        self._files = [
            {
                "path": path,
                "url": f"{self._api}/file={path}",
                "orig_name": "photo.jpg",
                "size": len(picture),
                "mime_type": "image/jpeg",
                "meta": {"_type": "gradio.FileData"},
            }
        ]

    async def ask(self, text: str) -> None:
        self._values[self._textbox] = {"text": text, "files": self._files}
        due = [self._submit]
        while due:
            call = due.pop(0)
            await self._make(self._calls[call])
            due += [later for later, each in self._calls.items() if each["trigger_after"] == call]

    async def _make(self, call: dict[str, Any]) -> None:
        body = {
            "data": [self._values.get(part) for part in call["inputs"]],
            "event_data": None,
            "fn_index": call["id"],
            "trigger_id": self._textbox,
            "session_hash": self._hash,
        }
        if call["queue"]:
            outputs = await self._queued(call, body)
        else:
            url = f"{self._api}/run/predict"
            async with self._session.post(url, json=body, headers=self._headers) as response:
                outputs = (await response.json())["data"]
        for part, value in zip(call["outputs"], outputs, strict=False):
            if isinstance(value, dict) and value.get("__type__") == "update":
                if "value" not in value:
                    continue
                value = value["value"]
            self._values[part] = value

    async def _queued(self, call: dict[str, Any], body: dict[str, Any]) -> list[Any]:
        async with self._session.post(
            f"{self._api}/queue/join", json=body, headers=self._headers
        ) as response:
            assert response.status == 200, await response.text()
            await response.read()
        is_reply = call["types"]["generator"]
        url = f"{self._api}/queue/data?session_hash={self._hash}"
        async with self._session.get(url, headers=self._headers) as response:
            rest = b""
            while data := await response.content.readany():
                read_ns = now_ns()
                *events, rest = (rest + data).split(b"\n\n")
                for event in events:
                    if is_reply:
                        self._raw.append((read_ns, event))
                    if b'"msg":"process_completed"' in event:
                        message = json.loads(event.removeprefix(b"data: "))
                        assert message["success"], message
                        output = message["output"]["data"]
                    if b'"msg":"close_stream"' in event:
                        return output
        raise ConnectionError("the event stream ended early")

    def received(self) -> Received:
        arrivals: list[Arrival] = []
        shown: list[Any] = []
        for read_ns, event in self._raw:
            message = json.loads(event.removeprefix(b"data: "))
            if message["msg"] not in ("process_generating", "process_completed"):
                continue
            data = message["output"]["data"]
            if message["msg"] == "process_completed" or not shown:
                shown = data
            else:
                shown = [_edited(old, edits) for old, edits in zip(shown, data, strict=True)]
            arrivals.append(Arrival(read_ns, len(_last_text(shown))))
        return Received(arrivals, _last_text(shown))

    async def close(self) -> None:
        pass


def _edited(value: Any, edits: list[Any]) -> Any:
    """Apply edits (`append`, `replace`, `add`, `delete`, each with a path) as Gradio's page does."""
    for action, path, new in edits or []:
        if not path:
            value = value + new if action == "append" else new
            continue
        place = value
        for step in path[:-1]:
            place = place[step]
        last = path[-1]
        if action == "append":
            place[last] += new
        elif action == "delete":
            del place[last]
        elif action == "add" and isinstance(place, list):
            place.insert(last, new)
        else:
            place[last] = new
    return value


def _last_text(shown: list[Any]) -> str:
    """Give the newest answer in a chatbot's messages, "" when there is none."""
    messages = next((value for value in shown if isinstance(value, list) and value), [])
    if not messages or messages[-1]["role"] != "assistant":
        return ""
    content = messages[-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


VISITORS: dict[str, Callable[[aiohttp.ClientSession, str, bool], Visitor]] = {
    "mmchat": MmchatVisitor,
    "gradio": GradioVisitor,
    "gradio-lifted": GradioVisitor,
    "relay": RelayVisitor,
}
