"""Visitors of a soak: each has one browser with one page, does what occurs to it, and comes back when it is cut off."""

import asyncio
import io
import random
import time
import uuid
from itertools import count

import requests
import websockets
from PIL import Image

from chat.demo.showcase import asked_length
from chat.reasons import FlagReason
from tests.chat.images.hostile import hostile_files
from tests.faults.invariants import assert_nothing_leaks
from tests.faults.soak.ledger import PASSING, REFUSED, Asked, Ledger, pixels_md5
from tests.visitor import FINAL, Page, Visitor

PATIENCE = 90  # seconds for anything that a visitor waits for; longer means that the site hangs
MOST_MESSAGES = 12  # in one conversation; then a new one
FIRST_WAIT, LONGEST_WAIT = 0.25, 10.0  # before a page connects again, as static/js/lib/socket.js has it


class Gone(Exception):
    """The visitor left the page, or its connection, and comes back to it or to another one."""


class Guest:
    """One visitor. Everything it is told goes into the ledger."""

    def __init__(self, visitor: Visitor, model: str, ledger: Ledger, seed: int) -> None:
        self._visitor, self._model, self._ledger = visitor, model, ledger
        self._messages: dict[str, dict] = {}
        self._conversation: str | None = None
        self._pending: Asked | None = None
        self._reply: str | None = None  # the newest one of this conversation
        self._retried: set[str] = set()  # replies of which something was said twice, maybe
        self._cut_off: float | None = None  # when
        self._tries = 0
        self._hostile = hostile_files(1_000_000, f"soak {seed}")

    async def stay(self, enough: asyncio.Event, think: float) -> None:
        """Do one thing after another, up to `think` seconds apart, and end what is begun before leaving."""
        while not (enough.is_set() and self._is_idle):
            try:
                async with self._visitor.connect() as connection:
                    await self._visit(Page(connection), enough, think)
            except Gone:
                self._cut_off = time.monotonic()
            except (
                websockets.ConnectionClosed,
                websockets.InvalidStatus,
                websockets.InvalidMessage,
                OSError,
            ) as end:
                self._ledger.lost[_word_for(end)] += 1
                self._cut_off = self._cut_off or time.monotonic()
                await asyncio.sleep(min(LONGEST_WAIT, FIRST_WAIT * 2**self._tries) * random.uniform(0.5, 1))
                self._tries += 1
        self._ledger.take_screen(self._messages)

    async def _visit(self, page: Page, enough: asyncio.Event, think: float) -> None:
        page.messages = self._messages
        try:
            await page.expect("hello", PATIENCE)
            if self._conversation:
                await page.send("open", conversation=self._conversation, have=page.have())
                await page.expect("conversation", PATIENCE)
            if self._cut_off and self._conversation:
                self._ledger.resumes.append(time.monotonic() - self._cut_off)
            self._cut_off, self._tries = None, 0
            while not (enough.is_set() and self._is_idle):
                if self._pending:
                    await self._deliver(page, self._pending)
                elif running := self._running:
                    await self._watch(page, running)
                else:
                    await self._pause(page, random.uniform(0, think))
                    await self._do_something(page)
        finally:
            self._ledger.gaps += page.gaps
            self._ledger.take_screen(self._messages)
            assert_nothing_leaks(page)

    @property
    def _running(self) -> str | None:
        if self._reply is None or self._messages.get(self._reply, {}).get("state") in FINAL:
            return None
        return self._reply

    @property
    def _is_idle(self) -> bool:
        return not self._pending and not self._running

    @property
    def _ended(self) -> list[dict]:
        """Replies on screen that have ended, the newest last."""
        return [
            held for held in self._messages.values() if held["role"] == "assistant" and held["state"] in FINAL
        ]

    async def _pause(self, page: Page, seconds: float) -> None:
        """Wait as a browser does, which reads all the time."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await page.receive(PATIENCE)
        except TimeoutError:
            pass

    async def _do_something(self, page: Page) -> None:
        if len(self._messages) >= MOST_MESSAGES:
            self._begin_anew()
        ended = self._ended
        ways = [
            (self._ask, 6),
            (self._ask_about_a_picture, 2),
            (self._send_something_hostile, 2),
            (self._reload, 1),
        ]
        if ended:
            ways += [(self._vote, 4), (self._flag, 1), (self._regenerate, 2), (self._ask_and_leave, 1)]
            if ended[-1]["state"] != "complete" and ended[-1]["text"]:
                ways.append((self._continue, 20))
        [way] = random.choices([way for way, _ in ways], [weight for _, weight in ways])
        self._ledger.did[way.__name__.strip("_")] += 1
        await way(page)

    # Over the socket

    async def _ask(self, page: Page) -> None:
        text = f"count to {random.randint(3, 40)}"
        self._send(text, whole=asked_length(text))

    async def _ask_about_a_picture(self, page: Page) -> None:
        if upload := await self.upload_picture(64, 48):
            self._send("What size is this?", part="64 × 48", images=[upload])

    async def _ask_and_leave(self, page: Page) -> None:
        """Ask, and turn to a new conversation as soon as the question is accepted."""
        await self._ask(page)
        await self._deliver(page, self._pending)
        self._begin_anew()

    async def _regenerate(self, page: Page) -> None:
        self._again("regenerate", self._ended[-1])

    async def _continue(self, page: Page) -> None:
        self._again("continue", self._ended[-1])

    def _send(self, text: str, whole: str | None = None, part: str = "", **more) -> None:
        if self._conversation:
            more["conversation"] = self._conversation
        frame = {"type": "send", "client_id": str(uuid.uuid4()), "model": self._model, "text": text, **more}
        self._pending = Asked(frame, whole, part)

    def _again(self, way: str, reply: dict) -> None:
        before = self._ledger.asked[reply["id"]]
        frame = {"type": way, "client_id": str(uuid.uuid4()), "message": reply["id"]}
        self._pending = Asked(frame, before.whole, before.part)

    async def _deliver(self, page: Page, asked: Asked) -> None:
        await page.send(**asked.frame)
        while True:
            answer = await page.receive(PATIENCE)
            if answer["type"] in ("accepted", "error") and answer["client_id"] == asked.client_id:
                break
        if answer["type"] == "accepted":
            asked.accepted = answer
            self._ledger.asked[answer["reply"]] = asked
            self._conversation, self._reply, self._pending = answer["conversation"], answer["reply"], None
        elif answer["code"] in PASSING:
            self._ledger.passing[answer["code"]] += 1
            await self._pause(page, 1)
        else:
            raise AssertionError(answer)

    async def _watch(self, page: Page, reply: str) -> None:
        """See a reply to its end; or stop it, reload the page or lose the connection in the middle of it."""
        match random.choices(("watch", "stop", "reload", "drop"), (6, 1, 1, 1))[0]:
            case "stop":
                await self._read(page, reply, random.randrange(60))
                self._ledger.did["stop"] += 1
                await page.send("stop", message=reply)
            case "reload":
                await self._read(page, reply, random.randrange(60))
                await self._reload(page)
            case "drop":
                await self._read(page, reply, random.randrange(60))
                self._ledger.did["drop"] += 1
                page.connection.transport.abort()
                raise Gone
        await page.until_ended(reply, PATIENCE)

    async def _read(self, page: Page, reply: str, characters: int) -> None:
        await page.until(
            reply, lambda held: len(held["text"]) >= characters or held["state"] in FINAL, PATIENCE
        )

    async def _reload(self, page: Page) -> None:
        """Come back as a page that holds nothing."""
        self._ledger.take_screen(self._messages)
        self._messages = {}
        raise Gone

    def _begin_anew(self) -> None:
        """Go to the page of a new conversation."""
        self._ledger.take_screen(self._messages)
        self._messages, self._conversation, self._reply = {}, None, None
        raise Gone

    # Over HTTP

    async def _vote(self, page: Page) -> None:
        value = random.choice(("up", "down", None))
        if reply := await self._say("vote", {"value": value}):
            self._ledger.votes[reply] = value

    async def _flag(self, page: Page) -> None:
        reason = random.choice(FlagReason.values)
        if reply := await self._say("flag", {"reason": reason}):
            self._ledger.flags[reply] = reason

    async def _say(self, what: str, body: dict) -> str | None:
        """Vote on a reply or flag it, and give which one."""
        # What was sent twice may arrive twice, the first one late: nothing else is said of that reply.
        replies = [held["id"] for held in self._ended if held["id"] not in self._retried]
        if not replies:
            return None
        reply = random.choice(replies)
        answer, tries = await self._until_answered(
            self._visitor.post, f"/feedback/{reply}/{what}/", json=body
        )
        assert answer.status_code == 200, (what, answer.status_code, answer.text[:300])
        if tries > 1:
            self._retried.add(reply)
        return reply

    async def _upload(self, name: str, data: bytes) -> dict | None:
        """Send a file; give what is said of it, or None when it is refused."""
        answer, _ = await self._until_answered(self._visitor.post, "/uploads/", files={"image": (name, data)})
        if answer.status_code == 201:
            return answer.json()
        code = answer.json()["error"]["code"]
        assert code in REFUSED, answer.text
        self._ledger.refused[code] += 1
        return None

    async def upload_picture(self, width: int, height: int) -> str | None:
        """Send a picture that nobody else sends; give the upload's id, or None when it is refused."""
        picture = Image.frombytes("RGB", (width, height), random.randbytes(width * height * 3))
        file = io.BytesIO()
        picture.save(file, "PNG")
        info = await self._upload("picture.png", file.getvalue())
        if info is None:  # its decoder was killed
            return None
        self._ledger.uploads[info["id"]] = (self._visitor, pixels_md5(picture))
        return info["id"]

    async def _send_something_hostile(self, page: Page) -> None:
        _, name, data = next(self._hostile)
        if info := await self._upload(name, data):
            stored, _ = await self._until_answered(self._visitor.http.get, self._visitor.url + info["url"])
            assert stored.status_code == 200
            picture = Image.open(io.BytesIO(stored.content))
            self._ledger.uploads[info["id"]] = (self._visitor, pixels_md5(picture))

    async def _until_answered(self, ask, *words, **more) -> tuple[requests.Response, int]:
        """Ask again where the connection broke or something is away for the moment; tell how often it was asked."""
        async with asyncio.timeout(2 * PATIENCE):
            for tries in count(1):
                try:
                    answer = await asyncio.to_thread(ask, *words, timeout=PATIENCE, **more)
                except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as end:
                    self._ledger.lost[type(end).__name__] += 1
                else:
                    if answer.status_code < 429:
                        return answer, tries
                    code = answer.json()["error"]["code"]
                    assert code in PASSING, (words, answer.status_code, answer.text[:300])
                    self._ledger.passing[code] += 1
                await asyncio.sleep(0.5)


def _word_for(end: Exception) -> str:
    match end:
        case websockets.ConnectionClosed(rcvd=received):
            return f"closed {received.code if received else 1006}"
        case websockets.InvalidStatus(response=response):
            return f"handshake {response.status_code}"
    return type(end).__name__
