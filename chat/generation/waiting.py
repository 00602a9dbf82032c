"""Replies of this process that wait for a place at a worker."""

import asyncio
import logging
import math
import uuid
from collections import Counter

from django.conf import settings

from chat import queue
from chat.database import DatabaseThread
from chat.generation import records
from chat.generation.breakers import Breakers
from chat.generation.context import ContextError
from chat.generation.dispatch import Dispatcher, Found
from chat.generation.run import HandedOver, Run
from chat.workers.errors import NoWorker

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # places of other processes become free without a word
NOTICE_SECONDS = 0.3  # a reply that only waits for a controller's answer is not in line
ASK_AGAIN = 3  # a controller may name a worker again that was tried already
RECENT_SECONDS = 5.0


class _Place:
    """One reply in line."""

    def __init__(self, run: Run) -> None:
        loop = asyncio.get_running_loop()
        self.run = run
        self.since = loop.time()
        self.worker: asyncio.Future[queue.Candidate] = loop.create_future()
        self.asks_left = ASK_AGAIN

    def refuse(self, error: Exception) -> None:
        if not self.worker.done():
            self.worker.set_exception(error)


class WaitingLine:
    """Give each waiting reply a worker when it is its turn on the site."""

    def __init__(self, owner: uuid.UUID, database: DatabaseThread, breakers: Breakers) -> None:
        self._owner = owner
        self._database = database
        self._breakers = breakers
        self._places: dict[uuid.UUID, _Place] = {}
        self._poke = asyncio.Event()
        self._dispatcher = Dispatcher(database, self._poke.set)
        self._handing_over = False
        self._recent: tuple[float, float | None] = (-RECENT_SECONDS, None)

    def __len__(self) -> int:
        return len(self._places)

    async def place(self, run: Run) -> queue.Candidate:
        """Wait until a reply may start, and give its worker.

        Raises a WorkerError when no worker is left to try, or `HandedOver`.
        """
        place = self._places[run.reply.id] = _Place(run)
        self.look()
        try:
            return await place.worker
        finally:
            self._places.pop(run.reply.id, None)

    def workers_at_hand(self) -> dict[str, list[queue.Candidate]]:
        """Give, by model, the workers at which a reply may start at once; none while others wait for them here.

        It is asked in the thread that stores the reply, as late as possible.
        """
        if self._places or self._handing_over:
            return {}
        not_closed = set(self._breakers.not_closed())  # the line gives out trials
        return {
            model: [each for each in workers if each.address not in not_closed]
            for model, workers in self._dispatcher.at_hand().items()
        }

    def look(self) -> None:
        """Look at the line now: a place may be free."""
        self._poke.set()

    def worker_forgotten(self) -> None:
        """Take the workers that were known for the last looks no longer for there."""
        self._dispatcher.look_anew()
        self.look()

    def hand_over(self) -> None:
        """Start nothing more: what waits now or later is left to the other processes of the site, or the next."""
        self._handing_over = True
        self.look()

    async def run(self) -> None:
        """Let replies start, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS if self._places else None):
                    await self._poke.wait()
            except TimeoutError:
                pass
            self._poke.clear()
            if self._places:
                try:
                    await (self._release() if self._handing_over else self._admit())
                except Exception:
                    log.exception("admission failed; it is tried again")
                    await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        await self._dispatcher.close()

    async def _admit(self) -> None:
        found = await self._dispatcher.find(
            Counter(place.run.context.model for place in self._places.values())
        )
        for place in self._places.values():
            self._give_up_if_hopeless(place, found)
        candidates = {
            model: [each for each in workers if each.address in usable]
            for model, workers in found.candidates.items()
            for usable in [self._breakers.usable([each.address for each in workers])]
        }
        ready = {
            reply_id: queue.Ready(model, place.run.tried(candidates.get(model, ())))
            for reply_id, place in self._places.items()
            for model in [place.run.context.model]
            if not place.worker.done()  # it has started, and its task has not come round to leave
        }
        admission = await self._database.run(queue.admit, self._owner, ready, candidates)
        for reply_id, address in admission.started:
            admitted = self._places.get(reply_id)
            if admitted and not admitted.worker.done():
                model = admitted.run.context.model
                self._dispatcher.used(model, address)
                self._breakers.asked(address)
                known = (each for each in found.candidates.get(model, ()) if each.address == address)
                admitted.worker.set_result(next(known, queue.Candidate(address)))
        await self._tell_positions(admission)

    def _give_up_if_hopeless(self, place: _Place, found: Found) -> None:
        run, model = place.run, place.run.context.model
        last = next(reversed(run.failures.values()), None)
        if error := found.errors.get(model):
            # A worker that restarts, or that its controller refreshes, is back soon.
            if isinstance(error, NoWorker) and run.seconds_alone() < settings.MMCHAT_WORKER_GRACE:
                return None
            return place.refuse(last or error)
        workers = found.candidates.get(model)
        if not workers:
            return None
        tried = run.tried(workers)
        run.not_alone()
        if any(each.address not in tried for each in workers):
            return None
        # Every worker that is known has failed this reply.
        if model in found.asked_outside and place.asks_left:
            place.asks_left -= 1
            return self._dispatcher.ask_anew(model)
        return place.refuse(last or ContextError("not_continuable", model))

    async def _tell_positions(self, admission: queue.Admission) -> None:
        loop = asyncio.get_running_loop()
        if admission.positions and loop.time() - self._recent[0] >= RECENT_SECONDS:
            self._recent = (loop.time(), await self._database.run(queue.recent_seconds))
        recent = self._recent[1]
        for reply_id, position in admission.positions.items():
            place = self._places.get(reply_id)
            if place and not place.worker.done() and loop.time() - place.since > NOTICE_SECONDS:
                seconds = None if recent is None else math.ceil(position * recent / max(1, admission.places))
                place.run.reply.set_position(position, seconds)

    async def _release(self) -> None:
        released = await self._database.run(records.release, self._owner, list(self._places))
        for reply_id in released:
            if place := self._places.get(reply_id):
                place.refuse(HandedOver())
