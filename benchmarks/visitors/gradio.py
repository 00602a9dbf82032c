"""A visitor of Gradio's page."""

import json
import secrets
from typing import Any

import aiohttp

from benchmarks.clock import now_ns
from benchmarks.visitors.base import Arrival, Received


class GradioVisitor:
    """Gradio's protocol as its page speaks it: the chain of events behind Enter, and one event stream.

    Which calls follow which is read from `/config`, so the order is the page's own.
    """

    accepted_ns = None

    def __init__(self, session: aiohttp.ClientSession, url: str, model: str, compress: bool) -> None:
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
        self._raw.clear()
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
