"""Which models there are: lists read from backends, and what of them visitors may pick."""

import logging
import threading
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection, transaction
from django.utils.translation import gettext as _

from chat.backends import Checked, CheckFailed, Listed, list_models, protocol_of
from chat.controller.workers import sync_built_in
from chat.kept import Kept
from chat.models import Backend, ChatModel, Placement, Worker
from chat.prompts.families import choose_family
from chat.workers.errors import WorkerError
from chat.workers.protocols import PROTOCOLS, Protocol

log = logging.getLogger(__name__)

CONTROLLER_NAME = "controller"  # the backend that `serve --controller-url` names
RELOAD_SECONDS = 3.0  # a thousand visitors at once make one call
_ASKED_AT_ONCE = 16
_reading = threading.Lock()
_last_read = 0.0


def _read_kinds() -> dict[str, set[tuple[str, str]]]:
    """Give, by model, the kinds of backends that serve it or did, and the protocols that its workers registered."""
    told: dict[str, set[str]] = {}
    for names, protocol in Worker.objects.values_list("model_names", "protocol"):
        for name in names:
            told.setdefault(name, set()).add(protocol)
    kinds: dict[str, set[tuple[str, str]]] = {}
    placed = Placement.objects.filter(backend__enabled=True)
    for name, kind in placed.values_list("model__name", "backend__kind"):
        by_workers = told.get(name, {""}) if kind == Backend.Kind.BUILT_IN else {""}
        kinds.setdefault(name, set()).update((kind, protocol) for protocol in by_workers)
    return kinds


_kinds = Kept(_read_kinds)


def protocols_of(model: ChatModel) -> list[Protocol]:
    """Give the protocols in which a model is asked, one for each kind of place that serves it, always in one order."""
    return _protocols(model, _kinds())


def _protocols(model: ChatModel, kinds: dict[str, set[tuple[str, str]]]) -> list[Protocol]:
    """Give the protocols of a model's places; of one that has none, that of its name."""
    places = kinds.get(model.name) or {(str(Backend.Kind.CONTROLLER), "")}
    return [PROTOCOLS[protocol_of(model, kind, told)] for kind, told in sorted(places)]


def can_continue(model: ChatModel) -> bool:
    """Tell whether a model can go on from a reply that broke off, at one of its places at least."""
    return any(protocol.continues for protocol in protocols_of(model))


def uses_template(model: ChatModel) -> bool:
    """Tell whether a model needs a prompt template of ours, at one of its places at least."""
    kinds = _kinds()
    if model.name not in kinds:
        # A backend may have brought it this very moment, and the conversation keeps what is found now.
        kinds = _read_kinds()
    return not all(
        protocol.takes_messages or protocol.tells_template for protocol in _protocols(model, kinds)
    )


def template_of(model: ChatModel) -> str:
    """Give the prompt template with which a conversation begins; empty where the model's workers know best."""
    return model.template or (choose_family(model.name) if uses_template(model) else "")


def configure_backends() -> None:
    """Make the backend rows follow the settings: an outside controller, or the built-in one."""
    url = settings.MMCHAT_CONTROLLER_URL
    built_in = Backend.objects.filter(kind=Backend.Kind.BUILT_IN)
    if not built_in.update(enabled=not url):
        built_in.get_or_create(kind=Backend.Kind.BUILT_IN, defaults={"name": "built-in", "enabled": not url})
    if url:
        Backend.objects.update_or_create(
            name=CONTROLLER_NAME,
            defaults={"url": url, "kind": Backend.Kind.CONTROLLER, "enabled": True},
        )
    else:
        Backend.objects.filter(name=CONTROLLER_NAME).update(enabled=False)


def read_lists(*, failing_only: bool = False) -> None:
    """Read the list of every backend, or of those that failed the last time or were never asked.

    An unreachable one keeps its last list, and its error is stored. A model that its controller lists no more
    stays for `MMCHAT_MODEL_LIST_KEEP` where lists are read again and again: LLaVA's controller forgets all
    workers whenever it is asked to refresh, and lists less until the slowest has answered.
    Backends are asked together, so that a dozen silent ones take no longer than one.
    """
    global _last_read
    with _reading:
        enabled = list(Backend.objects.filter(enabled=True))
        if any(backend.kind == Backend.Kind.BUILT_IN for backend in enabled):
            sync_built_in()
        outside = [
            backend
            for backend in enabled
            if backend.kind != Backend.Kind.BUILT_IN and (not failing_only or _is_failing(backend))
        ]
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            for backend, answer in zip(outside, pool.map(_ask, outside), strict=True):
                _store_answer(backend, answer)
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
    if any(_is_failing(backend) for backend in outside):
        threading.Thread(target=_read_lists_in_thread, name="mmchat-lists", daemon=True).start()
    elif (
        settings.MMCHAT_MODEL_LIST_MODE == "reload"
        or not Placement.objects.filter(backend__in=outside, listed=True).exists()
    ):
        read_lists()


def _is_failing(backend: Backend) -> bool:
    return bool(backend.last_error) or backend.last_checked is None


def _read_lists_in_thread() -> None:
    try:
        # Services that are well need not be asked again and again because another one is not.
        read_lists(failing_only=settings.MMCHAT_MODEL_LIST_MODE != "reload")
    except DatabaseFailure as error:
        log.warning("the lists of models could not be stored: %s", error)
    finally:
        connection.close()


class _Answer(NamedTuple):
    listed: Listed
    seconds: float
    error: str = ""


def _ask(backend: Backend) -> _Answer:
    """Ask a backend for its list; touches no database, so that it may run in any thread."""
    begun = time.monotonic()
    try:
        return _Answer(list_models(backend), time.monotonic() - begun)
    except WorkerError as error:
        log.warning("backend %s: %s", backend.name, error.code)
        return _Answer(Listed([]), 0, str(error))
    except CheckFailed as error:
        log.warning("backend %s: %s", backend.name, error.code)
        return _Answer(Listed([]), 0, f"{error.code}: {error.detail}")


def _store_answer(backend: Backend, answer: _Answer) -> None:
    row = Backend.objects.filter(pk=backend.pk)
    if answer.error:
        row.note_failure(answer.error)
        return
    keep = settings.MMCHAT_MODEL_LIST_KEEP if settings.MMCHAT_MODEL_LIST_MODE == "reload" else 0
    store_list(backend, *answer.listed, keep=keep)
    row.note_success(answer.seconds)


def store_checked(backend: Backend, checked: Checked) -> None:
    """Store what a backend answered to an administrator who has just saved it."""
    store_list(backend, *checked.listed)
    Backend.objects.filter(pk=backend.pk).note_success(checked.seconds)


@transaction.atomic
def store_list(
    backend: Backend, names: Iterable[str], text_only: Collection[str] = (), *, keep: float = 0
) -> None:
    """Store which models a backend lists now; two that read at once take turns."""
    Backend.objects.select_for_update().get(pk=backend.pk).store_list(names, keep, text_only)


def page_models(for_staff: bool, keep: str | None = None, selected: str | None = None) -> dict:
    """Give the models as the page shows them.

    `keep` is a model that is listed, greyed, even if it has gone: an open conversation needs it. It and `selected`
    are listed, too, where they are shown by link only.
    """
    shown = list(ChatModel.objects.shown().in_page_order())
    named = [name for name in {keep, selected} if name and "\0" not in name]
    linked = ChatModel.objects.usable().filter(name__in=named, shown_in=ChatModel.ShownIn.LINK)
    shown += linked.in_page_order()
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
                "max_characters": model.max_characters,
                "max_turns": model.max_turns,
            }
            for model in [*shown, *gone]
        ],
    }
