"""Find out what kind of server answers at an address that somebody typed."""

import contextlib
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.backends import Checked, CheckFailed, ask, cause_of, in_time
from chat.models import Backend
from chat.workers.controller import worker_status
from chat.workers.errors import (
    WorkerBadJson,
    WorkerBadUtf8,
    WorkerError,
    WorkerHtml,
    WorkerHttpError,
    WorkerModelUnknown,
    WorkerOversized,
    WorkerRedirect,
    WorkerRejected,
)

CALL_SECONDS = 2.0
_PROGRAMS: dict[str, str | Promise] = {
    Backend.Kind.CONTROLLER: _("a controller (LLaVA, InternVL)"),
    Backend.Kind.OPENAI: _("an OpenAI-compatible server"),
}
# What a server says of a call that is not one of its own; anything else would be the same for every other call.
_NOT_ITS_CALL = (
    WorkerBadJson, WorkerBadUtf8, WorkerHtml, WorkerHttpError, WorkerModelUnknown, WorkerOversized, WorkerRedirect,
    WorkerRejected,
)  # fmt: skip


class Detected(NamedTuple):
    """What answers: the kind of backend, its name for people, and what it answered."""

    kind: str
    program: str | Promise
    checked: Checked


def detect(backend: Backend) -> Detected:
    """Find out what kind of server answers at a backend's address, whatever its own kind says.

    It takes `CHECK_SECONDS` at most. Raises CheckFailed, also for a worker, which is no backend.
    """
    return in_time(lambda: _detect(backend))


def _detect(backend: Backend) -> Detected:
    objections: list[WorkerError] = []
    for kind in (Backend.Kind.CONTROLLER, Backend.Kind.OPENAI):
        candidate = Backend(
            kind=kind, url=backend.url, key_variable=backend.key_variable, taken=backend.taken
        )
        try:
            checked = ask(candidate)
        except WorkerError as error:
            said = cause_of(error)
            if not isinstance(said, _NOT_ITS_CALL):
                raise
            objections.append(said)
        else:
            return _of_fastchat(candidate) or Detected(kind, _PROGRAMS[kind], checked)
    with contextlib.suppress(WorkerError):
        status = worker_status(backend.url, CALL_SECONDS)
        text = _(
            "This is a worker, not a controller; it serves {models}. Workers register by themselves: start it with "
            "--controller-address and the address that serve prints, or that of your controller."
        )
        raise CheckFailed("backend_is_worker", format_lazy(text, models=", ".join(status.model_names) or "–"))
    of_controller, of_openai = objections
    if of_controller.code == of_openai.code and isinstance(
        of_openai, WorkerHtml | WorkerHttpError | WorkerRedirect
    ):
        raise of_openai
    text = _(
        "Something answers at this address, but no backend that the site knows: no controller, no OpenAI-compatible "
        "server and no worker. Are port and path right?"
    )
    detail = f"/list_models: {of_controller.code}; /models: {of_openai.code}; /worker_get_status: no answer"
    raise CheckFailed("backend_unknown", text, "url", detail)


def _of_fastchat(backend: Backend) -> Detected | None:
    """Tell a controller of FastChat, which knows one call more, from the others."""
    if backend.kind == Backend.Kind.CONTROLLER:
        backend.kind = Backend.Kind.FASTCHAT
        with contextlib.suppress(WorkerError, CheckFailed):
            return Detected(backend.kind, _("a FastChat controller"), ask(backend))
    return None
