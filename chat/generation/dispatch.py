"""Know the workers of each model that somebody waits for, through the backends that list it."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from django.conf import settings
from django.db import Error as DatabaseFailure

from chat.backends import check_backend, protocol_of
from chat.database import DatabaseThread
from chat.models import Backend, Placement, Worker
from chat.queue import Candidate
from chat.workers.addresses import check_address
from chat.workers.controller import ControllerClient
from chat.workers.errors import (
    ControllerGarbage,
    ControllerUnreachable,
    NoWorker,
    WorkerAddressForbidden,
    WorkerError,
    WorkerUnknownHost,
)

log = logging.getLogger(__name__)

KEEP_SECONDS = 2.0  # how long addresses that a controller gave wait for a place before it is asked again
PLACES_SECONDS = 0.3  # how old what the database said of backends and workers may be
MOST_AT_ONCE = 8
_TRIES = 3  # a controller that names a forbidden worker may name another one next


class Found(NamedTuple):
    """Workers for each model, why there is none for others, and the models of outside controllers."""

    candidates: dict[str, list[Candidate]]
    errors: dict[str, WorkerError]
    asked_outside: Collection[str]


class _Controller(NamedTuple):
    """An outside controller, and how the workers that it names for a model are asked."""

    url: str
    protocol: str = "llava"
    limit: int | None = None


class _Places(NamedTuple):
    """What the database says, by model: workers that need no asking for, and outside controllers.

    The former are those of the built-in controller, and the servers that are a backend themselves.
    """

    workers: dict[str, list[Candidate]]
    controllers: dict[str, list[_Controller]]


class _Asked:
    """What controllers said of one model's workers lately."""

    def __init__(self) -> None:
        self.workers: list[tuple[float, Candidate]] = []  # with the time they came
        self.error: WorkerError | None = None
        self.asking: set[asyncio.Task[None]] = set()


class Dispatcher:
    """Ask controllers for addresses without making one slow controller hold up the others' models."""

    def __init__(self, database: DatabaseThread, ready: Callable[[], None]) -> None:
        self._database = database
        self._ready = ready
        self._asked: defaultdict[str, _Asked] = defaultdict(_Asked)
        self._places = _Places({}, {})
        self._models: set[str] = set()
        self._failing: set[str] = set()  # controllers that did not answer this process lately
        self._read_at = float("-inf")

    async def find(self, waiting: Mapping[str, int]) -> Found:
        """Give what is known now for the models of waiting replies; `ready` is called when there is more."""
        now = time.monotonic()
        if now - self._read_at >= PLACES_SECONDS or not waiting.keys() <= self._models:
            self._models = set(waiting)
            self._places = await self._database.run(_places, self._models)
            self._read_at = now
        candidates = {
            model: list(workers) for model, workers in self._places.workers.items() if model in waiting
        }
        errors: dict[str, WorkerError] = {}
        for model in waiting.keys() & self._places.controllers.keys():
            asked = self._asked[model]
            asked.workers = [found for found in asked.workers if found[0] > now - KEEP_SECONDS]
            if asked.error is None:
                self._ask(asked, model, waiting[model])
            elif not asked.asking:
                # Asked anew for each refusal, a controller would be asked without end.
                if model not in candidates and not asked.workers:
                    errors[model] = asked.error
                asked.error = None
            named = Candidate.each_once(worker for _, worker in asked.workers)
            candidates.setdefault(model, []).extend(named)
        errors |= {model: NoWorker(model) for model in waiting if model not in candidates}
        return Found(candidates, errors, self._places.controllers.keys())

    def at_hand(self) -> dict[str, list[Candidate]]:
        """Give the workers that need no asking for, by model, as far as they are known; in any thread."""
        if time.monotonic() - self._read_at >= PLACES_SECONDS:
            return {}
        places = self._places
        return {model: found for model, found in places.workers.items() if model not in places.controllers}

    def used(self, model: str, address: str) -> None:
        """Forget an address that a reply took: a controller names it for one request."""
        found = self._asked[model].workers
        for each in found:
            if each[1].address == address:
                found.remove(each)
                return

    def look_anew(self) -> None:
        """Read again which workers there are: one was forgotten, and is not to be taken for there."""
        self._read_at = float("-inf")

    def ask_anew(self, model: str) -> None:
        """Forget what controllers said of a model, so that they are asked again."""
        self._asked[model].workers.clear()
        self._ready()

    async def close(self) -> None:
        """Ask no more; an answer that a thread still waits for is thrown away."""
        tasks = [task for asked in self._asked.values() for task in asked.asking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, asked: _Asked, model: str, wanted: int) -> None:
        controllers = self._places.controllers[model]
        for number in range(len(asked.workers) + len(asked.asking), min(wanted, MOST_AT_ONCE)):
            task = asyncio.create_task(self._ask_one(asked, controllers[number % len(controllers)], model))
            asked.asking.add(task)
            task.add_done_callback(asked.asking.discard)
            task.add_done_callback(lambda _: self._ready())

    async def _ask_one(self, asked: _Asked, controller: _Controller, model: str) -> None:
        url = controller.url
        try:
            address = await asyncio.to_thread(ask_controller, url, model)
        except WorkerError as error:
            log.warning("a controller gives no address", extra={"model": model, "code": error.code})
            asked.error = error
            if isinstance(error, ControllerUnreachable | ControllerGarbage):
                await self._note(url, str(error))
        else:
            worker = Candidate(address, limit=controller.limit, protocol=controller.protocol)
            asked.workers.append((time.monotonic(), worker))
            asked.error = None
            if url in self._failing:
                await self._note(url, "")

    async def _note(self, url: str, error: str) -> None:
        """Let pages know that a controller fails, so that they ask it again and can say why, or that it answers."""
        backends = Backend.objects.filter(url=url, enabled=True)
        try:
            if error:
                self._failing.add(url)
                await self._database.run(backends.note_failure, error)
            else:
                await self._database.run(backends.note_success)
                self._failing.discard(url)
        except DatabaseFailure as failure:
            log.warning("the state of a controller could not be stored: %s", type(failure).__name__)


def ask_controller(url: str, model: str) -> str:
    """Give the address of a worker that this site may go to. Blocks; raises what the last one had against it."""
    check_backend(url)
    client = ControllerClient(url)
    refusal: WorkerError = NoWorker(model)
    for _ in range(_TRIES):
        address = client.get_worker_address(model)
        try:
            check_address(address, settings.MMCHAT_WORKER_NETWORKS)
        except (WorkerAddressForbidden, WorkerUnknownHost) as error:
            refusal = error
        else:
            return address
    raise refusal


def _places(models: Collection[str]) -> _Places:
    found = _Places({}, {})
    placements = Placement.objects.filter(
        model__name__in=models, model__enabled=True, backend__enabled=True, listed=True
    ).select_related("model", "backend")
    workers = list(Worker.objects.fresh().order_by("registered", "pk"))
    needed = placements.only(
        "model__name", "model__protocol", "backend__kind", "backend__url", "backend__key_variable",
        "backend__concurrency",
    )  # fmt: skip
    for placement in needed.order_by("pk"):
        model, backend = placement.model.name, placement.backend
        limit = backend.concurrency
        if backend.kind == Backend.Kind.BUILT_IN:
            serving = [
                Candidate(
                    worker.address,
                    worker.queue_length,
                    worker.speed,
                    limit=limit,
                    protocol=protocol_of(placement.model, backend.kind, worker.protocol),
                )
                for worker in workers
                if model in worker.model_names
            ]
            if serving:
                found.workers.setdefault(model, []).extend(serving)
            continue
        protocol = protocol_of(placement.model, backend.kind)
        if backend.kind == Backend.Kind.OPENAI:
            server = Candidate(backend.url, limit=limit, protocol=protocol, key_variable=backend.key_variable)
            found.workers.setdefault(model, []).append(server)
        else:
            found.controllers.setdefault(model, []).append(_Controller(backend.url, protocol, limit))
    return found
