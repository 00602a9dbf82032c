"""Pages on one reply whose connections break: cut at random, read slowly, come back to whichever process answers."""

import asyncio
import contextlib
import random
import socket
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection

from tests.visitor import FINAL, Page, Visitor

RECEIVE_BUFFER = 4096  # the client's system; the rest waits at the site


class Watcher:
    """A page that holds what it has of a reply over all its connections."""

    def __init__(self, visitors: list[Visitor], accepted: dict) -> None:
        self.visitors = visitors  # the same browser, at each process
        self.accepted = accepted
        self.messages: dict[str, dict] = {}
        self.gaps = 0
        self.errors: list[dict] = []
        self.page: Page | None = None

    def connect(self):
        return random.choice(self.visitors).connect()

    @property
    def reply(self) -> dict:
        return self.messages.get(self.accepted["reply"], {"state": "unknown", "text": ""})

    @property
    def has_ended(self) -> bool:
        return self.reply["state"] in FINAL

    async def watch(self, seconds: float | None = None) -> None:
        """Come back and read: to the end of the reply, or for some time, and then break the connection."""
        async with self.connect() as connection:
            page = self.page = Page(connection)
            page.messages = self.messages
            try:
                await page.send("open", conversation=self.accepted["conversation"], have=page.have())
                if seconds is None:
                    await page.expect("conversation", 60)
                    await page.until_ended(self.accepted["reply"], 90)
                else:
                    if random.random() < 0.8:  # the others drop before a busy site has answered
                        await page.expect("conversation", 60)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(seconds):
                            await page.until_closed()
                    assert connection.close_code is None, "the site closed a connection"
                    connection.transport.abort()
            finally:
                self.gaps += page.gaps
                self.errors += [frame for frame in page.frames if frame["type"] == "error"]

    def assert_exact(self, stored) -> None:
        """I3: the page holds what the database holds, and it came without a gap and without an error."""
        assert (self.reply["state"], self.reply["text"]) == (stored.state, stored.text)
        assert (self.gaps, self.errors) == (0, [])


class SlowConnection(ClientConnection):
    """Take `bytes_per_second` from the network, until `hurry` is set."""

    bytes_per_second = 1024

    def __init__(self, *arguments, **named) -> None:
        super().__init__(*arguments, **named)
        self.hurries = False
        self.taken = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.taken += len(data)
        if not self.hurries:
            self.transport.pause_reading()
            self.loop.call_later(len(data) / self.bytes_per_second, self._go_on)

    def hurry(self) -> None:
        self.hurries = True
        self._go_on()

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()


class SlowWatcher(Watcher):
    """A page whose connection is slow, and whose system takes little in advance."""

    def connect(self):
        visitor = random.choice(self.visitors)
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        connection.connect(("127.0.0.1", urlsplit(visitor.url).port))
        connection.setblocking(False)
        # No limit of messages that wait: else the client itself would pause and resume reading. No pings of its own,
        # which browsers don't send: their answers would come behind all that it has not read.
        return visitor.connect(
            sock=connection,
            create_connection=SlowConnection,
            max_queue=None,
            compression=None,
            ping_interval=None,
        )


async def all_of(work) -> None:
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(each)
