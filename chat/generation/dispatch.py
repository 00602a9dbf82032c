"""Find a worker for each waiting reply, through the backends that list its model."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from chat.database import DatabaseThread
from chat.models import Backend, Placement, Worker
from chat.workers.controller import ControllerClient
from chat.workers.errors import NoWorker, WorkerError

log = logging.getLogger(__name__)

KEEP_SECONDS = 2.0  # how long addresses that a controller gave wait for a place before it is asked again
MOST_AT_ONCE = 8


class Found(NamedTuple):
    """Worker addresses for each model, and why there is none for others."""

    addresses: dict[str, list[str]]
    errors: dict[str, WorkerError]


class _Asked:
    """What controllers said of one model's workers lately."""

    def __init__(self) -> None:
        self.addresses: list[tuple[float, str]] = []  # with the time they came
        self.error: WorkerError | None = None
        self.asking: set[asyncio.Task[None]] = set()


class Dispatcher:
    """Ask controllers for addresses without making one slow controller hold up the others' models."""

    def __init__(self, database: DatabaseThread, ready: Callable[[], None]) -> None:
        self._database = database
        self._ready = ready
        self._asked: defaultdict[str, _Asked] = defaultdict(_Asked)

    async def find(self, waiting: Mapping[str, int]) -> Found:
        """Give what is known now for the models of waiting replies; `ready` is called when there is more."""
        addresses, controllers = await self._database.run(_places, waiting)
        errors: dict[str, WorkerError] = {}
        oldest = asyncio.get_running_loop().time() - KEEP_SECONDS
        for model, urls in controllers.items():
            asked = self._asked[model]
            asked.addresses = [found for found in asked.addresses if found[0] > oldest]
            if asked.error and not asked.addresses and not asked.asking:
                if model not in addresses:
                    errors[model] = asked.error
                asked.error = None
            else:
                known = len(asked.addresses) + len(asked.asking)
                for number in range(known, min(waiting[model], MOST_AT_ONCE)):
                    self._ask(asked, urls[number % len(urls)], model)
            addresses.setdefault(model, []).extend(address for _, address in asked.addresses)
        errors |= {model: NoWorker(model) for model in waiting if model not in addresses}
        return Found(addresses, errors)

    def used(self, model: str, address: str) -> None:
        """Forget an address that a reply took."""
        found = self._asked[model].addresses
        for each in found:
            if each[1] == address:
                found.remove(each)
                return

    async def close(self) -> None:
        """Ask no more; an answer that a thread still waits for is thrown away."""
        tasks = [task for asked in self._asked.values() for task in asked.asking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, asked: _Asked, url: str, model: str) -> None:
        task = asyncio.create_task(self._ask_one(asked, url, model))
        asked.asking.add(task)
        task.add_done_callback(asked.asking.discard)
        task.add_done_callback(lambda _: self._ready())

    async def _ask_one(self, asked: _Asked, url: str, model: str) -> None:
        try:
            address = await asyncio.to_thread(ControllerClient(url).get_worker_address, model)
        except WorkerError as error:
            log.warning("no address for model %s: %s %s", model, error.code, error.detail)
            asked.error = error
        else:
            asked.addresses.append((asyncio.get_running_loop().time(), address))
            asked.error = None


def _places(waiting: Mapping[str, int]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Give for each model the addresses of the built-in controller's workers, and the outside controllers."""
    local: dict[str, list[str]] = {}
    controllers: dict[str, list[str]] = {}
    placements = Placement.objects.filter(
        model__name__in=list(waiting), model__enabled=True, backend__enabled=True, listed=True
    )
    for model, kind, url in placements.values_list("model__name", "backend__kind", "backend__url"):
        if kind == Backend.Kind.BUILT_IN:
            if addresses := _built_in(model, waiting[model]):
                local[model] = addresses
        else:
            controllers.setdefault(model, []).append(url)
    return local, controllers


def _built_in(model: str, count: int) -> list[str]:
    """Give `count` addresses of registered workers, as `shortest_queue` would deal them one after the other."""
    workers = [worker for worker in Worker.objects.fresh() if model in worker.model_names]
    deals = [
        ((max(worker.queue_length, 0) + number) / worker.speed, worker.address)
        for worker in workers
        for number in range(count)
    ]
    return [address for _, address in sorted(deals)]
