"""Pages that drop, come back, read slowly and miss announcements hold exactly the reply, whatever comes in which order.

Two processes, their sockets and outboxes are the site's own; the database, the channel layer and the worker are
played, one random step after the other. The model is simple: what the worker's text was at the end of each epoch.
"""

import asyncio
import contextlib
import uuid
from unittest import mock

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chat.generation.engine import Engine
from chat.generation.remote import RemoteReplies
from chat.generation.reply import FINAL_STATES, LiveReply
from chat.models import Message, ReplyState
from tests.chat.generation.played import CONVERSATION, Client, Database, DatabaseThread, Layer

PROCESSES, CLIENTS = 2, 4
TEXTS = st.text(alphabet=" \nab漢😀", max_size=8)
TURNS = st.sampled_from([0, 1, 3, 20])  # of the event loop, after a step


class Resuming(RuleBasedStateMachine):
    """Steps of a site of two processes, of its worker, of its database, and of four pages in one conversation."""

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.layer, self.database = Layer(), Database()
        self.stack = contextlib.ExitStack()
        for name, instead in {
            "chat.announcements.get_channel_layer": lambda: self.layer,
            "chat.outbox.MOST_CHARACTERS": 5,
            # Time passes when a step says so.
            "chat.announcements.QUIET_SECONDS": 3600,
            "chat.announcements.SILENCE_SECONDS": 3600,
            "chat.followers.PAUSE_SECONDS": 0,
            "chat.consumers.key_in_scope": lambda scope: uuid.UUID(int=2),
            "chat.consumers.scope_address": lambda scope: None,
            "chat.consumers.running_engine": self.engine_of_who_connects,
            "chat.limits.of_socket.rules.fresh": dict,  # limits are not what this is about
        }.items():
            self.stack.enter_context(mock.patch(name, instead))
        self.clients = [Client() for _ in range(CLIENTS)]
        self.connecting = self.owner = 0
        self.reply: LiveReply | None = None  # while its owner lives
        self.id: uuid.UUID | None = None  # of the newest reply
        self.written = ""  # the worker's whole text so far
        self.epochs: dict[tuple[str, int], str] = {}
        self.run(self.start())

    async def start(self) -> None:
        self.engines = [self.engine() for _ in range(PROCESSES)]

    def engine(self) -> Engine:
        engine = Engine()
        engine.visitors, thread = DatabaseThread(self.database), DatabaseThread(self.database)
        engine._remote = RemoteReplies(thread)
        engine.followers.start()
        return engine

    async def engine_of_who_connects(self) -> Engine:
        return self.engines[self.connecting]

    def run(self, work, turns: int = 0):
        async def and_more():
            await work
            for _ in range(turns):
                await asyncio.sleep(0)

        self.loop.run_until_complete(and_more())

    @property
    def row(self) -> Message | None:
        return self.database.rows.get(self.id)

    @property
    def is_live(self) -> bool:
        return self.reply is not None and self.row.state not in FINAL_STATES

    @property
    def is_streaming(self) -> bool:
        return self.is_live and self.row.state == ReplyState.STREAMING

    # The worker

    @precondition(lambda self: self.row is None or self.row.state in FINAL_STATES)
    @rule(owner=st.integers(0, PROCESSES - 1), beginning=TEXTS, turns=TURNS)
    def begin(self, owner, beginning, turns):
        self.settle_end()
        self.id, self.owner = uuid.uuid4(), owner
        self.written = beginning.strip()
        self.database.add(self.id, self.written)
        self.reply = LiveReply(self.id, text=self.written)
        self.engines[owner]._runs[self.id] = mock.Mock(reply=self.reply)
        self.note()

        async def announce():
            self.engines[owner].followers.announce_messages(
                CONVERSATION, [self.database.info(self.id)], sender=None
            )

        self.run(announce(), turns)

    def note(self):
        self.epochs[str(self.id), self.reply.epoch] = self.reply.text

    @precondition(lambda self: self.is_live and self.row.state == ReplyState.QUEUED)
    @rule(turns=TURNS)
    def stream(self, turns):
        self.row.state = ReplyState.STREAMING
        self.reply.set_state(ReplyState.STREAMING)
        self.run(asyncio.sleep(0), turns)

    @precondition(lambda self: self.is_streaming)
    @rule(taken_back=st.sampled_from([0, 0, 0, 0, 0, 1, 9]), more=TEXTS, turns=TURNS)
    def show(self, taken_back, more, turns):
        self.written = self.written[: len(self.written) - taken_back] + more
        self.reply.show(self.written)
        self.note()
        self.run(asyncio.sleep(0), turns)

    # The database

    @precondition(lambda self: self.is_streaming)
    @rule()
    def write(self):
        self.row.text, self.row.epoch = self.reply.text, self.reply.epoch

    @rule(process=st.integers(0, PROCESSES - 1), turns=TURNS)
    def read_what_others_wrote(self, process, turns):
        self.run(self.engines[process]._remote.read(), turns)

    @rule(turns=TURNS)
    def be_late(self, turns):
        self.database.turns_late = turns

    # The end, which is written first and told then

    @precondition(lambda self: self.is_live)
    @rule(state=st.sampled_from(sorted(FINAL_STATES)))
    def end(self, state):
        self.row.text, self.row.epoch, self.row.state = self.reply.text, self.reply.epoch, state

    @precondition(lambda self: self.reply is not None and self.row.state in FINAL_STATES)
    @rule(turns=TURNS)
    def tell_of_the_end(self, turns):
        self.settle_end()
        self.run(asyncio.sleep(0), turns)

    def settle_end(self):
        if self.reply is not None:
            # As a reply that another process took for dead: what is stored is what counts.
            self.reply.set_text(self.row.text, self.row.epoch)
            self.engines[self.owner]._runs.pop(self.id)
            self.reply.set_state(self.row.state)
            self.reply = None

    @precondition(lambda self: self.reply is not None)
    @rule(turns=TURNS)
    def kill(self, turns):
        """The owner dies with its sockets: what waited is adopted, what streamed is interrupted."""
        died = self.owner
        # Nobody could notice that something was lost of one that died before it said its number.
        self.tell_last_number(self.engines[died])
        for client in self.clients:
            if client.process == died:
                self.run(client.drop())
        self.run(self.engines[died]._tasks.close())
        self.engines[died] = self.run_engine()
        if self.row.state == ReplyState.QUEUED:
            self.owner = 1 - died
            engine = self.engines[self.owner]
            self.reply = engine._remote.take(self.id) or LiveReply(self.id, text=self.written)
            engine._runs[self.id] = mock.Mock(reply=self.reply)
        else:
            self.reply = None
            if self.row.state == ReplyState.STREAMING:
                self.row.state = ReplyState.INTERRUPTED
        self.run(asyncio.sleep(0), turns)

    def run_engine(self) -> Engine:
        async def made():
            return self.engine()

        return self.loop.run_until_complete(made())

    # The layer

    @precondition(lambda self: self.layer.under_way)
    @rule(which=st.integers(0, 99), lost=st.booleans(), turns=TURNS)
    def deliver_or_lose(self, which, lost, turns):
        event = self.layer.under_way.pop(which % len(self.layer.under_way))
        if not lost:
            self.layer.deliver(event)
        self.run(asyncio.sleep(0), turns)

    # The pages

    @initialize(process=st.integers(0, PROCESSES - 1), window=st.integers(1, 4))
    def open_pages(self, process, window):
        for number, client in enumerate(self.clients):
            self.connect(client, (process + number) % PROCESSES, window)

    def connect(self, client, process, window, turns=0):
        async def connected():
            self.connecting = process
            client.connect(process, window)
            await client.open()
            await asyncio.sleep(0)  # the handshake asks which engine it is

        self.run(client.drop())
        self.run(connected(), turns)

    @rule(
        client=st.integers(0, CLIENTS - 1),
        process=st.integers(0, PROCESSES - 1),
        window=st.integers(1, 4),
        turns=TURNS,
    )
    def come_back(self, client, process, window, turns):
        self.connect(self.clients[client], process, window, turns)

    @rule(client=st.integers(0, CLIENTS - 1), turns=TURNS)
    def open_again(self, client, turns):
        self.run(self.clients[client].open(), turns)

    @rule(client=st.integers(0, CLIENTS - 1), turns=TURNS)
    def drop(self, client, turns):
        self.run(self.clients[client].drop(), turns)

    @rule(frames=st.lists(st.integers(0, 20), min_size=CLIENTS, max_size=CLIENTS), turns=TURNS)
    def read_frames(self, frames, turns):
        for client, number in zip(self.clients, frames, strict=True):
            self.run(client.read(number), turns)

    @invariant()
    def pages_hold_the_beginning_of_an_epoch(self):
        for client in self.clients:
            for key, held in client.messages.items():
                assert self.epochs[key, held["epoch"]].startswith(held["text"])

    def teardown(self):
        try:
            self.settle()
            for client in self.clients:
                assert {key: (held["state"], held["text"]) for key, held in client.messages.items()} == {
                    str(row.pk): (row.state, row.text) for row in self.database.rows.values()
                }
            for engine in self.engines:
                assert engine._remote._replies == {}, "replies that nobody follows are still read"
        finally:
            for client in self.clients:
                self.run(client.drop())
            for engine in self.engines:
                self.run(engine._tasks.close())
            self.loop.close()
            self.stack.close()

    def settle(self):
        """Let the reply end, let every page come back, and read all."""
        if self.is_live:
            self.end(ReplyState.COMPLETE)
        self.settle_end()
        for client in self.clients:
            if client.page is None:
                self.connect(client, client.process, 2)
        for engine in self.engines:
            self.tell_last_number(engine)
        self.run(self.read_all())

    def tell_last_number(self, engine):
        self.layer.deliver(engine.followers._others.last_number())

    async def read_all(self):
        quiet = 0
        while quiet < 3:
            for engine in self.engines:
                await engine._remote.read()
            for _ in range(20):
                await asyncio.sleep(0)
            pages = [client.page for client in self.clients]
            quiet = 0 if any(page.connection.unread for page in pages) else quiet + 1
            for client in self.clients:
                await client.read(99)


TestResuming = Resuming.TestCase
# Not shrunk: that takes minutes, and a failure names its steps.
TestResuming.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, phases=[Phase.reuse, Phase.generate]
)
