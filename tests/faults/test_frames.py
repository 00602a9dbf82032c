"""Frames of every kind, whole and broken, end in an answer: no bug, no closed socket, no memory that stays."""

import asyncio
import json
import os
import time
import uuid

import websockets

from tests.faults.conftest import LONG
from tests.faults.invariants import Resources, assert_nothing_runs
from tests.faults.loads import running, tell, visitors_of, warm_up
from tests.frames import Frames
from tests.visitor import Visitor

FRAMES = int(os.environ.get("MMCHAT_FUZZ_FRAMES", 1_000_000 if LONG else 5_000))
SOCKETS = 5
BATCH = 100  # frames on their way at once; the site cuts off who lets a thousand answers wait
SEED = os.environ.get("MMCHAT_FUZZ_SEED", "mmchat")


class Sender:
    """One visitor who sends whatever the generator gives, and reads what comes back."""

    def __init__(self, visitor: Visitor, model: str, seed: str) -> None:
        self._visitor = visitor
        # Not always the real model: what is asked of it costs more than all the rest.
        self._frames = Frames(seed, models=["no-such-model"] * 2 + [model])
        self.codes: set[str] = set()
        self.sent = 0

    async def run(self, number: int) -> None:
        async with self._visitor.connect(compression=None) as connection:
            assert json.loads(await connection.recv())["type"] == "hello"
            while self.sent < number:
                for _ in range(min(BATCH, number - self.sent)):
                    await connection.send(self._frames.next())
                    self.sent += 1
                await self._until_answered(connection)

    async def _until_answered(self, connection: websockets.ClientConnection) -> None:
        """Send a frame whose answer is known, and read up to that."""
        marker = str(uuid.uuid4())
        frame = {"type": "regenerate", "client_id": marker, "message": str(uuid.uuid4())}
        await connection.send(json.dumps(frame))
        async with asyncio.timeout(120):
            while True:
                answer = json.loads(await connection.recv())
                if isinstance(answer, list):
                    continue
                if answer["type"] == "error":
                    self.codes.add(answer["code"])
                    if answer["client_id"] == marker:
                        assert answer["code"] == "not_found"
                        return
                elif answer["type"] == "accepted":
                    ids = [answer[name] for name in ("conversation", "message", "reply")]
                    self._frames.ids = [*self._frames.ids[-20:], *ids]


async def test_generated_frames_break_nothing_and_leave_nothing(tmp_path):
    with running(tmp_path, 200) as site:
        await warm_up(site, site.url)
        visitors = await visitors_of(site.url, SOCKETS)
        senders = [Sender(visitor, site.model, f"{SEED} {number}") for number, visitor in enumerate(visitors)]
        rounds, begun = [0.1, 1.0], time.monotonic()
        for part in rounds:
            async with asyncio.TaskGroup() as group:
                for sender in senders:
                    group.create_task(sender.run(int(FRAMES * part) // SOCKETS))
            await asyncio.to_thread(assert_nothing_runs, site.books)
            if part == rounds[0]:
                # What the first of each kind make a site load stays, and is no leak.
                before = Resources(site)
        tell("frames", sum(sender.sent for sender in senders))
        tell("frames a second", sum(sender.sent for sender in senders) / (time.monotonic() - begun))
        await asyncio.to_thread(before.assert_returned, 60)
        tell("MB more", before.now()[0] - before.before[0])
        codes = set().union(*(sender.codes for sender in senders))
        assert "internal_error" not in codes
        assert {
            "frame_unreadable",
            "message_too_long",
            "message_empty",
            "model_unknown",
            "not_found",
        } <= codes
