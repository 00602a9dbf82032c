"""Ask backends at this moment, because an administrator wants to know."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.backends import OTHER_ADDRESS, Checked, CheckFailed, check
from chat.controller.workers import refresh_all
from chat.models import Backend, Worker
from chat.registry import store_checked, store_list

_ASKED_AT_ONCE = 32
_MODELS = 5  # are named


class Told(NamedTuple):
    """What a backend said, in words, and the models that it lists."""

    backend: Backend
    is_well: bool
    text: str
    models: list[str]


def check_now(backends: Sequence[Backend]) -> list[Told]:
    """Ask backends for their models, all together, and store how each did and what it lists.

    It takes five seconds for up to 32 of them; the built-in controller asks its workers, which may take as long again.
    """
    outside = [backend for backend in backends if backend.kind != Backend.Kind.BUILT_IN]
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        answers = dict(zip([backend.pk for backend in outside], pool.map(_ask, outside), strict=True))
    return [
        _store(backend, answers[backend.pk]) if backend.pk in answers else _workers(backend)
        for backend in backends
    ]


def _ask(backend: Backend) -> Checked | CheckFailed:
    """Ask one; touches no database, for it runs in a thread of its own."""
    try:
        checked = check(backend)
    except CheckFailed as error:
        return error
    if checked.url != backend.url:
        return CheckFailed("backend_other_address", OTHER_ADDRESS, "url", checked.url)
    return checked


def _store(backend: Backend, answer: Checked | CheckFailed) -> Told:
    if isinstance(answer, Checked):
        store_checked(backend, answer)
        return Told(backend, True, _words(answer), answer.models)
    row = Backend.objects.filter(pk=backend.pk)
    if answer.code == "backend_lists_nothing":
        store_list(backend, [])
        row.note_success()
    else:
        row.note_failure(f"{answer.code}: {answer.detail}" if answer.detail else answer.code)
    detail = f" ({answer.code}: {answer.detail})" if answer.detail else f" ({answer.code})"
    return Told(backend, False, f"{answer.text}{detail}", [])


def _words(checked: Checked) -> str:
    count = len(checked.models)
    named = ", ".join(checked.models[:_MODELS]) + (" …" if count > _MODELS else "")
    return ngettext(
        "It answered in %(milliseconds)d ms, and lists %(count)s model: %(named)s",
        "It answered in %(milliseconds)d ms, and lists %(count)s models: %(named)s",
        count,
    ) % {"milliseconds": checked.seconds * 1000, "count": count, "named": named}


def _workers(backend: Backend) -> Told:
    refresh_all()
    workers = list(Worker.objects.fresh())
    names = sorted({str(name) for worker in workers for name in worker.model_names})
    if not workers:
        return Told(backend, False, _("No worker answers. Those that live register again by themselves."), [])
    text = ngettext(
        "%(count)s worker answers, and serves %(named)s.",
        "%(count)s workers answer, and serve %(named)s.",
        len(workers),
    )
    return Told(backend, True, text % {"count": len(workers), "named": ", ".join(names)}, names)
