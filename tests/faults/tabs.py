"""Open pages that come back by themselves, by the rules of static/js/lib/socket.js and session.js."""

import asyncio
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field

import websockets

from tests.visitor import FINAL, Page, Visitor

FIRST_WAIT, LONGEST_WAIT = 0.25, 10.0
RESTART = 1012
PATIENCE = 60  # for the end of a reply; longer means that the site hangs


@dataclass
class Sent:
    """A message as its page holds it: sent again under the same id until it is accepted."""

    text: str
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    accepted: dict | None = None
    times: int = 0


@dataclass
class Seen:
    """What all tabs of a test have met."""

    closes: Counter = field(default_factory=Counter)  # by close code
    refused: Counter = field(default_factory=Counter)  # handshakes, by what came instead of a socket
    errors: list[dict] = field(default_factory=list)  # `error` frames


class Tab:
    """One page in one conversation, which asks the same question again and again."""

    def __init__(self, visitor: Visitor, model: str, seen: Seen, address: str = "127.0.0.1") -> None:
        self.visitor = visitor
        self.sent: list[Sent] = []
        self.messages: dict[str, dict] = {}
        self.gaps = 0
        self._model = model
        self._seen = seen
        self._address = address  # from which it connects
        self._conversation: str | None = None
        self._tries = 0

    @property
    def is_streaming(self) -> bool:
        return any(message["state"] == "streaming" for message in self.messages.values())

    def ended(self, sent: Sent) -> dict | None:
        """Give the reply to a message as this page holds it, once it has ended."""
        reply = self.messages.get(sent.accepted["reply"]) if sent.accepted else None
        return reply if reply and reply["state"] in FINAL else None

    async def run(self, question: str, enough: asyncio.Event, least: int) -> None:
        """Ask until `enough` is set, `least` times in any case, and each time to the end of the reply."""
        while not self._is_done(enough, least):
            try:
                # One address each, so that the proxy's limit for one address stays what it is.
                async with self.visitor.connect(local_addr=(self._address, 0)) as connection:
                    await self._go_on(connection, question, enough, least)
            except websockets.ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                self._seen.closes[code] += 1
                await self._wait(at_once=code == RESTART)
            except websockets.InvalidStatus as refused:
                self._seen.refused[refused.response.status_code] += 1
                await self._wait()
            except (OSError, websockets.InvalidMessage) as refused:
                self._seen.refused[type(refused).__name__] += 1
                await self._wait()

    def _is_done(self, enough: asyncio.Event, least: int) -> bool:
        asked = enough.is_set() and len(self.sent) >= least
        return asked and self.ended(self.sent[-1]) is not None

    async def _wait(self, *, at_once: bool = False) -> None:
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2**self._tries)
        at_once = at_once and self._tries == 0
        self._tries += 1
        await asyncio.sleep(0 if at_once else longest * (0.5 + random.random() / 2))

    async def _go_on(
        self, connection: websockets.ClientConnection, question: str, enough: asyncio.Event, least: int
    ) -> None:
        page = Page(connection)
        page.messages = self.messages
        try:
            await page.expect("hello")
            self._tries = 0
            if self._conversation:
                await page.send("open", conversation=self._conversation, have=page.have())
                await page.expect("conversation")
            while not self._is_done(enough, least):
                if not self.sent or self.ended(self.sent[-1]):
                    self.sent.append(Sent(question))
                await self._deliver(page, self.sent[-1])
        finally:
            self.gaps += page.gaps
            self._seen.errors += [frame for frame in page.frames if frame["type"] == "error"]

    async def _deliver(self, page: Page, sent: Sent) -> None:
        if sent.accepted is None:
            sent.times += 1
            more = {"conversation": self._conversation} if self._conversation else {}
            answer = await page.ask(sent.text, self._model, client_id=sent.client_id, **more)
            assert answer["type"] == "accepted", answer
            sent.accepted = answer
            self._conversation = answer["conversation"]
        await page.until_ended(sent.accepted["reply"], PATIENCE)
