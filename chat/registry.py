"""Which models there are: lists read from controllers, and what of them visitors may pick."""

import contextlib
import logging
import threading
import time

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.utils.translation import gettext as _

from chat.controller.workers import sync_built_in
from chat.models import Backend, ChatModel, Placement
from chat.prompts.families import choose_family, choose_protocol
from chat.workers.controller import ControllerClient
from chat.workers.errors import WorkerError
from chat.workers.protocols import PROTOCOLS

log = logging.getLogger(__name__)

CONTROLLER_NAME = "controller"  # the backend that `serve --controller-url` names
RELOAD_SECONDS = 3.0  # a thousand visitors at once make one call
_reading = threading.Lock()
_last_read = 0.0


def protocol_of(model: ChatModel) -> str:
    return model.protocol or choose_protocol(model.name)


def can_continue(model: ChatModel) -> bool:
    """Tell whether a model can go on from a reply that broke off."""
    return PROTOCOLS[protocol_of(model)].continues


def template_of(model: ChatModel) -> str:
    return model.template or choose_family(model.name)


def configure_backends() -> None:
    """Make the backend rows follow the settings: an outside controller, or the built-in one."""
    url = settings.MMCHAT_CONTROLLER_URL
    built_in = Backend.objects.filter(kind=Backend.Kind.BUILT_IN)
    if not built_in.update(enabled=not url):
        Backend.objects.create(kind=Backend.Kind.BUILT_IN, name="built-in", enabled=not url)
    if url:
        Backend.objects.update_or_create(
            name=CONTROLLER_NAME,
            defaults={"url": url, "kind": Backend.Kind.CONTROLLER, "enabled": True},
        )
    else:
        Backend.objects.filter(name=CONTROLLER_NAME).update(enabled=False)


def read_lists() -> None:
    """Read the list of every backend.

    An unreachable one keeps its last list, and its error is stored. A model that its controller lists no more
    stays for `MMCHAT_MODEL_LIST_KEEP` where lists are read again and again: LLaVA's controller forgets all
    workers whenever it is asked to refresh, and lists less until the slowest has answered.
    """
    global _last_read
    with _reading:
        for backend in Backend.objects.filter(enabled=True):
            if backend.kind == Backend.Kind.BUILT_IN:
                sync_built_in()
            else:
                _read_list(backend)
        _last_read = time.monotonic()


def refresh_for_page() -> None:
    """Bring the lists up to date before a page shows them, as `--model-list-mode` says.

    The built-in controller's list is always live. Outside ones are read again in mode `reload`, and in either
    mode while the last reading failed or found nothing: at most once in `RELOAD_SECONDS`, by whoever comes
    first, while the others go on with the lists there are. Nobody waits for a controller that did not answer
    the last time.
    """
    enabled = list(Backend.objects.filter(enabled=True))
    if any(backend.kind == Backend.Kind.BUILT_IN for backend in enabled):
        sync_built_in()
    outside = [backend for backend in enabled if backend.kind != Backend.Kind.BUILT_IN]
    if not outside or _reading.locked() or time.monotonic() - _last_read < RELOAD_SECONDS:
        return
    if any(backend.last_error or backend.last_checked is None for backend in outside):
        threading.Thread(target=_read_lists_in_thread, name="mmchat-lists", daemon=True).start()
    elif (
        settings.MMCHAT_MODEL_LIST_MODE == "reload"
        or not Placement.objects.filter(backend__in=outside, listed=True).exists()
    ):
        read_lists()


def _read_lists_in_thread() -> None:
    try:
        read_lists()
    except DatabaseFailure as error:
        log.warning("the lists of models could not be stored: %s", error)
    finally:
        connection.close()


def _read_list(backend: Backend) -> None:
    try:
        client = ControllerClient(backend.url)
        with contextlib.suppress(WorkerError):
            # It answers when its slowest worker has; the list it has by then is good all the same.
            client.refresh_all_workers()
        names = client.list_models()
    except WorkerError as error:
        log.warning("backend %s: %s", backend.name, error.code)
        Backend.objects.filter(pk=backend.pk).note_failure(str(error))
        return
    store_list(
        backend, names, settings.MMCHAT_MODEL_LIST_KEEP if settings.MMCHAT_MODEL_LIST_MODE == "reload" else 0
    )
    Backend.objects.filter(pk=backend.pk).note_success()


@transaction.atomic
def store_list(backend: Backend, names: list[str], keep: float = 0) -> None:
    """Store which models a backend lists now; two that read at once take turns."""
    Backend.objects.select_for_update().get(pk=backend.pk).store_list(names, keep)


def page_models(for_staff: bool, keep: str | None = None, selected: str | None = None) -> dict:
    """Give the models as the page shows them.

    `keep` is a model that is listed, greyed, even if it has gone: an open conversation needs it.
    """
    shown = list(ChatModel.objects.shown().in_page_order())
    listed = {model.pk for model in shown}
    gone = [model for model in ChatModel.objects.filter(name=keep) if model.pk not in listed] if keep else []
    names = [model.name for model in shown]
    reached = Placement.objects.filter(model__in=listed, listed=True, backend__in=Backend.objects.in_use())
    available = reached.exists()
    reason = (
        "" if available else _("Models are unavailable at the moment. We keep trying; your text stays here.")
    )
    if not available and for_staff:
        broken = Backend.objects.filter(enabled=True).exclude(last_error="")
        reason += " " + " ".join(f"{backend.name}: {backend.last_error}." for backend in broken)
        if not broken:
            reason += " " + _("No worker has registered yet.")
    return {
        "available": available,
        "reason": reason.strip(),
        "selected": selected if selected in names else (keep or (names[0] if names else None)),
        "list": [
            {
                "name": model.name,
                "title": str(model),
                "description": model.description,
                "listed": model.pk in listed,
                "max_images": model.max_images,
                "max_output_tokens": model.max_output_tokens,
                "max_input_tiles": model.max_input_tiles,
            }
            for model in [*shown, *gone]
        ],
    }
