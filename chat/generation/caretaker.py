"""Tell the other processes that this one lives, and take over from those that do not."""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Awaitable, Callable, Collection

from chat import metrics
from chat.database import DatabaseThread
from chat.generation import records
from chat.models import ReplyState

log = logging.getLogger(__name__)

STOOD_STILL_SECONDS = 6.0  # several beats; a process that swaps or garbage-collects is not dead
LONGEST_LOOK_SECONDS = (
    2.0  # counted between two looks, however long it was: nobody moves while the database is away
)
ORPHAN_SECONDS = 2.5  # longer than two beats: whoever lives has a row again by then


class Caretaker:
    """Watch the counters of all processes by this one's own clock, and this one's own rows."""

    def __init__(
        self,
        owner: uuid.UUID,
        database: DatabaseThread,
        stop: Callable[[uuid.UUID], None],
        adopt: Callable[[Collection[uuid.UUID]], Awaitable[None]],
        has_ended: Callable[[uuid.UUID], bool],
    ) -> None:
        self._owner = owner
        self._database = database
        self._stop = stop
        self._adopt = adopt
        self._has_ended = has_ended
        self._host, self._pid = socket.gethostname(), os.getpid()
        self._seen: dict[
            uuid.UUID | None, tuple[int | None, float]
        ] = {}  # counter, and how long it has stood still
        self._looked = float("-inf")
        self._strays: dict[uuid.UUID, float] = {}

    async def start(self) -> None:
        await self._database.run(records.register_process, self._owner, self._host, self._pid)

    async def close(self) -> None:
        await self._database.run(records.forget_process, self._owner)

    async def beat(self, running: Callable[[uuid.UUID], bool], draining: bool) -> set[uuid.UUID]:
        """Move this process's counter, stop what is to be stopped, and look after what nobody generates.

        Gives the live replies that were this process's own when it looked.
        """
        census = await self._database.run(records.beat, self._owner, self._host, self._pid)
        for row in census.mine:
            if row.stop_requested:
                self._stop(row.reply)
        await self._find_strays([row for row in census.mine if not running(row.reply)])
        await self._find_dead(census.others, draining)
        return {row.reply for row in census.mine}

    async def _find_strays(self, rows: list[records.Mine]) -> None:
        """Look after own rows without a task: stored for a socket that broke off, or not writable at their end."""
        now = asyncio.get_running_loop().time()
        self._strays = {row.reply: self._strays.get(row.reply, now) for row in rows}
        lost = [row for row in rows if now - self._strays[row.reply] > ORPHAN_SECONDS]
        ended = {row.reply for row in lost if row.first_answered or self._has_ended(row.reply)}
        unasked = [row for row in lost if row.reply not in ended]
        for row in unasked:
            if row.state == ReplyState.STREAMING:  # it had a place when it was stored
                await self._database.run(records.requeue, self._owner, row.reply)
        if unasked:
            await self._adopt([row.reply for row in unasked])
        if ended:
            _tell_interrupted(await self._database.run(records.interrupt, self._owner, ended))

    async def _find_dead(self, counters: dict[uuid.UUID | None, int | None], draining: bool) -> None:
        now = asyncio.get_running_loop().time()
        passed, self._looked = min(now - self._looked, LONGEST_LOOK_SECONDS), now
        before = self._seen
        self._seen = {
            process: (counter, before[process][1] + passed)
            if before.get(process, (-1, 0.0))[0] == counter
            else (counter, 0.0)
            for process, counter in counters.items()
        }
        for process, (counter, still) in list(self._seen.items()):
            if process is None:
                patience = 0.0  # its process gave it away
            else:
                patience = ORPHAN_SECONDS if counter is None else STOOD_STILL_SECONDS
            if still < patience:
                continue
            estate = await self._database.run(
                records.take_over, self._owner, process, counter, adopt=not draining
            )
            _tell_interrupted(estate.interrupted)
            for reply in estate.adopted:
                log.info("waiting reply adopted", extra={"reply": reply})
            if estate.adopted:
                await self._adopt(estate.adopted)


def _tell_interrupted(replies: Collection[uuid.UUID]) -> None:
    for reply in replies:
        metrics.reply_ended(ReplyState.INTERRUPTED, "interrupted", "")
        log.warning("reply interrupted: its process is gone", extra={"reply": reply, "state": "interrupted"})
