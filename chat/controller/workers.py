"""Registered workers: who is there, what they serve, and which one takes the next request."""

import datetime
import logging
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from chat.controller.bodies import Status
from chat.models import Backend, Placement, Worker
from chat.workers.addresses import check_address
from chat.workers.calls import decode, post_json
from chat.workers.errors import WorkerError

log = logging.getLogger(__name__)

STATUS_TIMEOUT = 5.0  # seconds, as in LLaVA's controller
KEEP_SILENT = datetime.timedelta(days=1)  # so that administrators see in the list who has gone
_ASKED_AT_ONCE = 16


def register(
    address: str, *, checks_heartbeat: bool, status: Status | None, multimodal: bool | None = None
) -> bool:
    """Enter a worker, or enter it anew. Without a status the worker is asked for it.

    Whoever says whether it is multimodal is FastChat's, and is spoken to in FastChat's protocol, unless its status
    names another one.

    False: it was asked and gave no good answer. Raises `WorkerAddressForbidden` or `WorkerUnknownHost`.
    """
    address = address.rstrip("/")
    check_address(address, settings.MMCHAT_WORKER_NETWORKS)
    if status is None and (status := _ask(address)) is None:
        return False
    with transaction.atomic():
        Worker.objects.update_or_create(
            address=address,
            defaults={
                **_columns(status),
                "multimodal": multimodal is not False,
                "protocol": status.protocol or ("" if multimodal is None else "fastchat"),
                "checks_heartbeat": checks_heartbeat,
                "last_heartbeat": Now(),
            },
        )
        Worker.objects.filter(checks_heartbeat=True, last_heartbeat__lt=Now() - KEEP_SILENT).delete()
    log.info("worker registered", extra={"worker": address, "model": ", ".join(status.model_names)})
    sync_built_in()
    return True


def heartbeat(address: str, queue_length: int) -> bool:
    """Note that a worker is alive, in one UPDATE. False: it is unknown and has to register."""
    return bool(
        Worker.objects.filter(address=address.rstrip("/")).update(
            queue_length=max(0, queue_length), last_heartbeat=Now()
        )
    )


def refresh_all() -> None:
    """Ask every worker for its status; drop those that give none."""
    workers = list(Worker.objects.all())
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        statuses = list(pool.map(_ask, [worker.address for worker in workers]))
    with transaction.atomic():
        for worker, status in zip(workers, statuses, strict=True):
            row = Worker.objects.filter(pk=worker.pk)
            if status is not None:
                row.update(**_columns(status), last_heartbeat=Now())
            # A worker that beat or registered while it was asked is not silent.
            elif row.filter(last_heartbeat__lte=worker.last_heartbeat).delete()[0]:
                log.warning("worker dropped: it gives no status", extra={"worker": worker.address})
    sync_built_in()


def forget(address: str) -> None:
    """Drop a worker that accepts no connections. If it lives, its next heartbeat makes it register again.

    One that never beats would not come back, and stays.
    """
    if Worker.objects.filter(address=address, checks_heartbeat=True).delete()[0]:
        log.warning("worker dropped: it accepts no connections", extra={"worker": address})
        sync_built_in()


def list_models(*, multimodal: bool | None = None) -> list[str]:
    """List what fresh workers serve, sorted; with `multimodal`, only that kind of worker's models."""
    workers = Worker.objects.fresh()
    if multimodal is not None:
        workers = workers.filter(multimodal=multimodal)
    return sorted({name for names in workers.values_list("model_names", flat=True) for name in names})


@transaction.atomic
def pick_address(model: str) -> str:
    """Give the address of the fresh worker with the shortest queue for its speed, empty when none serves it.

    The request that is to come is counted at once, so that requests between two heartbeats are spread.
    """
    # On PostgreSQL rows are locked, always in one order; on SQLite the transaction holds the only write lock.
    workers = Worker.objects.fresh().select_for_update().order_by("registered", "pk")
    serving = [worker for worker in workers if model in worker.model_names]
    if not serving:
        return ""
    chosen = min(serving, key=lambda one: one.queue_length / one.speed)
    Worker.objects.filter(pk=chosen.pk).update(queue_length=F("queue_length") + 1)
    return chosen.address


def sync_built_in() -> None:
    """Make models and the built-in backend's placements follow what fresh workers serve.

    Two reads when nothing has changed, so it may be called at each page load.
    """
    listed = Placement.objects.filter(backend__kind=Backend.Kind.BUILT_IN, listed=True)
    if set(listed.values_list("model__name", flat=True)) != set(list_models()):
        _list_built_in()


@transaction.atomic
def _list_built_in() -> None:
    # Whoever waits for this lock reads the workers after it, so an older list never overwrites a newer one.
    locked = Backend.objects.select_for_update().filter(kind=Backend.Kind.BUILT_IN).order_by("pk")
    # The first two workers may come at once: one makes the row, the other waits for it.
    backend = (
        locked.first() or locked.get_or_create(kind=Backend.Kind.BUILT_IN, defaults={"name": "built-in"})[0]
    )
    seeing = list_models(multimodal=True)
    backend.store_list(seeing + list_models(multimodal=False), text_only=set(list_models()) - set(seeing))


def _ask(address: str) -> Status | None:
    """Ask a worker for its status. Its address is checked again: networks and names may have changed."""
    try:
        check_address(address, settings.MMCHAT_WORKER_NETWORKS)
        return decode(post_json(address + "/worker_get_status", None, STATUS_TIMEOUT), Status)
    except WorkerError as error:
        log.warning("a worker gives no status", extra={"worker": address, "code": error.code})
        return None


def _columns(status: Status) -> dict[str, object]:
    return {
        "model_names": list(dict.fromkeys(status.model_names)),
        "speed": status.speed,
        "queue_length": max(0, status.queue_length),
    }
