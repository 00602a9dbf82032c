"""Find a worker for each waiting reply, through the backends that list its model."""

import asyncio
import logging
from collections import Counter
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


class Dispatcher:
    """Ask controllers for addresses without making one slow controller hold up the others' models."""

    def __init__(self, database: DatabaseThread, ready: Callable[[], None]) -> None:
        self._database = database
        self._ready = ready
        self._asks: dict[str, asyncio.Task[None]] = {}
        self._addresses: dict[str, list[str]] = {}
        self._errors: dict[str, WorkerError] = {}
        self._asked: dict[str, float] = {}

    async def find(self, waiting: Mapping[str, int]) -> Found:
        """Give what is known now for the models of waiting replies; `ready` is called when there is more."""
        local, controllers = await self._database.run(_places, waiting)
        now = asyncio.get_running_loop().time()
        errors: dict[str, WorkerError] = {
            model: NoWorker(model) for model in waiting if model not in local and model not in controllers
        }
        for model, urls in controllers.items():
            fresh = now - self._asked.get(model, -KEEP_SECONDS) < KEEP_SECONDS
            if (
                model not in self._asks
                and not (fresh and self._addresses.get(model))
                and model not in self._errors
            ):
                count = min(waiting[model], MOST_AT_ONCE)
                self._asks[model] = asyncio.create_task(self._ask(model, urls, count))
            if model in self._errors and model not in local:
                errors[model] = self._errors[model]
            self._errors.pop(model, None)
        merged = {model: local.get(model, []) + self._addresses.get(model, []) for model in waiting}
        return Found(merged, errors)

    def used(self, model: str, address: str) -> None:
        """Forget an address that a reply took."""
        kept = self._addresses.get(model, [])
        if address in kept:
            kept.remove(address)

    async def close(self) -> None:
        for ask in self._asks.values():
            ask.cancel()
        await asyncio.gather(*self._asks.values(), return_exceptions=True)

    async def _ask(self, model: str, urls: list[str], count: int) -> None:
        try:
            self._addresses[model] = await asyncio.to_thread(_ask_controllers, urls, model, count)
        except WorkerError as error:
            log.warning("no address for model %s: %s %s", model, error.code, error.detail)
            self._errors[model] = error
        finally:
            self._asked[model] = asyncio.get_running_loop().time()
            del self._asks[model]
            self._ready()


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


def _ask_controllers(urls: list[str], model: str, count: int) -> list[str]:
    """Ask for `count` addresses, over all controllers in turn. Raises the last error if there is none at all."""
    addresses: list[str] = []
    failed: Counter[str] = Counter()
    last: WorkerError = NoWorker(model)
    for number in range(count):
        url = urls[number % len(urls)]
        if failed[url]:
            continue
        try:
            addresses.append(ControllerClient(url).get_worker_address(model))
        except WorkerError as error:
            failed[url] += 1
            last = error
    if not addresses:
        raise last
    return addresses
