"""What this process writes of its replies: their texts a few times a second, and how each one ended."""

import asyncio
import logging
import uuid

from django.db import Error as DatabaseFailure

from chat import metrics
from chat.database import DatabaseThread
from chat.generation import records
from chat.generation.run import Ending, Run

log = logging.getLogger(__name__)

# So old does unwritten text become: a process that is killed loses no more, and a reply that streams writes twice a
# second. The write must be over by then, so it begins earlier by twice what the slowest of the recent ones took, and
# by what a busy loop may be late.
WRITTEN_WITHIN_SECONDS = 0.5
LATE_SECONDS = 0.01
FIRST_WRITE_SECONDS = 0.02  # as long as nothing is known
LONGEST_WRITE_SECONDS = (
    0.1  # allowed for; a slower database loses more than half a second, but is not asked all the time
)
FORGOTTEN = 0.95  # how much of the slowest write counts after each faster one
WRITE_AGAIN_SECONDS = 1.0
WRITE_TRIES = 90  # a database that is away for a minute loses nothing


class Writer:
    """Write all texts that changed in one transaction: one for each reply would be more than a database takes."""

    def __init__(self, owner: uuid.UUID, database: DatabaseThread) -> None:
        self._owner = owner
        self._database = database
        self._changed: dict[uuid.UUID, Run] = {}
        self._oldest = 0.0  # when the first of them changed
        self._any = asyncio.Event()
        self._slowest = FIRST_WRITE_SECONDS
        self._unwritten: set[uuid.UUID] = set()

    def changed(self, run: Run) -> None:
        """Write the text of a reply with the next flush."""
        self._changed[run.reply.id] = run
        if not self._any.is_set():
            self._start_the_clock()

    def _start_the_clock(self) -> None:
        self._oldest = asyncio.get_running_loop().time()
        self._any.set()

    async def flush(self) -> None:
        """Wait until the oldest text that is not written is old enough, and write all.

        What could not be written waits as long again.
        """
        await self._any.wait()
        clock = asyncio.get_running_loop().time
        ahead = LATE_SECONDS + 2 * min(self._slowest, LONGEST_WRITE_SECONDS)
        await asyncio.sleep(self._oldest + WRITTEN_WITHIN_SECONDS - ahead - clock())
        self._any.clear()
        changed, self._changed = self._changed, {}
        if not changed:
            return
        began = clock()
        try:
            await self._database.run(
                records.write_progress, self._owner, [run.progress() for run in changed.values()]
            )
            self._slowest = max(clock() - began, FORGOTTEN * self._slowest)
        except BaseException:
            self._changed = {**changed, **self._changed}
            self._start_the_clock()
            raise
        metrics.text_grew(sum(run.grew() for run in changed.values()))

    async def finish(self, run: Run, ending: Ending) -> Ending:
        """Write how a reply ended, for as long as it takes a database to come back; give how it did end.

        When another process took it for dead and ended it first, `run.reply` gets what is stored.
        """
        reply = run.reply
        try:
            if await self._finish(run, ending):
                run.ended(ending)
            else:
                for stored in await self._database.run(records.read, [reply.id]):
                    reply.set_text(stored.text, stored.epoch)
                    reply.notice = stored.notice
                    ending = Ending(stored.state, stored.error_code)
        except DatabaseFailure:
            log.exception("reply could not be stored", extra={"reply": reply.id})
            self._unwritten.add(reply.id)
            ending = Ending.of_our_own_error()
        finally:
            self._changed.pop(reply.id, None)
        return ending

    def has_ended(self, reply: uuid.UUID) -> bool:
        """Tell whether a reply has ended without that it could be written: its visitor was told so."""
        return reply in self._unwritten

    async def _finish(self, run: Run, ending: Ending) -> bool:
        end = (self._owner, run.progress(), *ending, run.told(), run.checked)
        for _ in range(WRITE_TRIES):
            try:
                return await self._database.run(records.finish, *end)
            except DatabaseFailure as error:
                log.warning("reply waits for the database: %s", error, extra={"reply": run.reply.id})
                await asyncio.sleep(WRITE_AGAIN_SECONDS)
        return await self._database.run(records.finish, *end)
