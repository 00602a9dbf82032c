"""What a process of the site stands between, played: its database, its channel layer, its sockets and the pages behind.

The site's own consumers, outboxes and followers run in between, in an event loop that a test moves step by step.
"""

import asyncio
import uuid
from collections import deque

from django.utils import timezone

from chat import conversations, events
from chat.consumers import ChatConsumer
from chat.generation import records
from chat.limits.rules import rules
from chat.models import Message, ReplyState, Role
from tests.visitor import Page

CONVERSATION = uuid.UUID(int=1)


class Database:
    """Rows of one conversation. What is read is as it was when it was asked for, and comes some turns later."""

    def __init__(self):
        self.rows: dict[uuid.UUID, Message] = {}
        self.turns_late = 1

    def add(self, reply: uuid.UUID, text: str) -> None:
        self.rows[reply] = Message(
            pk=reply,
            conversation_id=CONVERSATION,
            position=len(self.rows),
            role=Role.ASSISTANT,
            state=ReplyState.QUEUED,
            text=text,
            created=timezone.now(),
        )

    def info(self, reply, held=(0, 0)) -> events.MessageInfo:
        return conversations.message_info(self.rows[reply], [], held=held)


class DatabaseThread:
    """One of a process's threads: one read after the other."""

    def __init__(self, database: Database):
        self._database = database
        self._one_at_a_time = asyncio.Lock()

    async def run(self, work, *arguments):
        async with self._one_at_a_time:
            # Limits have no rules here.
            found = {} if work is rules else getattr(self, f"_{work.__name__}")(*arguments)
            for _ in range(self._database.turns_late):
                await asyncio.sleep(0)
            return found

    def _blocked(self, visitors):
        return set()

    def _read(self, replies):
        rows = [self._database.rows[reply] for reply in replies]
        return [records.Stored(row.pk, row.state, row.text, row.epoch, row.error_code) for row in rows]

    def _snapshot(self, conversation, visitor, have, at):
        held = {item.message: (item.epoch, item.offset) for item in have}
        infos = [self._database.info(reply, held.get(reply, (0, 0))) for reply in self._database.rows]
        return events.ConversationInfo(id=conversation, title="", model="", leaf=None, messages=infos)


class Layer:
    """The channel layer: what was sent is under way until it is delivered, in any order, or lost."""

    def __init__(self):
        self.under_way: list[dict] = []
        self._channels: dict[str, asyncio.Queue] = {}

    async def flush(self) -> None:
        pass

    async def new_channel(self) -> str:
        name = str(len(self._channels))
        self._channels[name] = asyncio.Queue()
        return name

    async def group_add(self, group, channel) -> None:
        pass

    async def group_send(self, group, event) -> None:
        self.under_way.append(event)

    async def receive(self, channel) -> dict:
        return await self._channels[channel].get()

    def deliver(self, event: dict) -> None:
        for channel in self._channels.values():
            channel.put_nowait(event)


class Connection:
    """One socket between a page and a process; the site waits while `window` frames are not read."""

    def __init__(self, window: int):
        self.unread: deque[str] = deque()
        self._window = window
        self._room = asyncio.Event()
        self.socket = ChatConsumer()
        self.socket.scope = {"cookies": {}, "headers": []}
        self.socket.base_send = self._send
        self._handled = asyncio.get_running_loop().create_task(self.socket.connect())

    async def _handle(self, before, text) -> None:
        await before
        await self.socket.receive(text_data=text)

    async def _send(self, message) -> None:
        while len(self.unread) >= self._window:
            self._room.clear()
            await self._room.wait()
        if message["type"] == "websocket.send":
            self.unread.append(message["text"])

    async def send(self, text: str) -> None:
        self._handled = asyncio.create_task(self._handle(self._handled, text))

    async def recv(self) -> str:
        text = self.unread.popleft()
        self._room.set()
        return text

    async def drop(self) -> None:
        self._window = 10**6  # what is sent now is lost
        self._room.set()
        await self._handled
        await self.socket.disconnect(1006)


class Client:
    """A page: it keeps what it holds while it has no connection, and then asks for the rest."""

    def __init__(self):
        self.messages: dict[str, dict] = {}
        self.page: Page | None = None
        self.process = 0

    def connect(self, process: int, window: int) -> None:
        self.process = process
        self.page = Page(Connection(window))
        self.page.messages = self.messages

    async def open(self) -> None:
        """Ask for what is missing, as a page does that comes back or finds a gap."""
        if self.page:
            await self.page.send("open", conversation=str(CONVERSATION), have=self.page.have())

    async def read(self, frames: int) -> None:
        while self.page and self.page.connection.unread and frames:
            await self.page.receive()
            frames -= 1
        assert not self.page or self.page.gaps == 0
        assert not self.page or not [each for each in self.page.frames if each["type"] == "error"]

    async def drop(self) -> None:
        if self.page:
            page, self.page = self.page, None
            await page.connection.drop()
