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

WRITE_AGAIN_SECONDS = 1.0
WRITE_TRIES = 90  # a database that is away for a minute loses nothing


class Writer:
    """Write all texts that changed in one transaction: one for each reply would be more than a database takes."""

    def __init__(self, owner: uuid.UUID, database: DatabaseThread) -> None:
        self._owner = owner
        self._database = database
        self._changed: dict[uuid.UUID, Run] = {}

    def changed(self, run: Run) -> None:
        """Write the text of a reply with the next flush."""
        self._changed[run.reply.id] = run

    async def flush(self) -> None:
        """Write what changed since the last time; what could not be written waits for the next."""
        changed, self._changed = self._changed, {}
        if not changed:
            return
        try:
            await self._database.run(
                records.write_progress, self._owner, [run.progress() for run in changed.values()]
            )
        except BaseException:
            self._changed = {**changed, **self._changed}
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
                    ending = Ending(stored.state, stored.error_code)
        except DatabaseFailure:
            log.exception("reply could not be stored", extra={"reply": reply.id})
            ending = Ending.of_our_own_error()
        finally:
            self._changed.pop(reply.id, None)
        return ending

    async def _finish(self, run: Run, ending: Ending) -> bool:
        for _ in range(WRITE_TRIES):
            try:
                return await self._database.run(records.finish, self._owner, run.progress(), *ending)
            except DatabaseFailure as error:
                log.warning("reply waits for the database: %s", error, extra={"reply": run.reply.id})
                await asyncio.sleep(WRITE_AGAIN_SECONDS)
        return await self._database.run(records.finish, self._owner, run.progress(), *ending)
