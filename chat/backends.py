"""What each kind of backend is asked, and what an administrator is told when it does not answer well."""

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.models import Backend, ChatModel
from chat.prompts.families import choose_protocol
from chat.workers import openai
from chat.workers.addresses import check_backend_address
from chat.workers.controller import ControllerClient
from chat.workers.errors import (
    ControllerError,
    WorkerBadJson,
    WorkerError,
    WorkerHtml,
    WorkerKeyMissing,
    WorkerModelUnknown,
    WorkerRejected,
)

T = TypeVar("T")
CALL_SECONDS = 5.0
CHECK_SECONDS = 5.0  # whoever saves a form waits so long at most
MOST_MODELS = 500  # of one backend: a list that nobody can read helps nobody
# Environments hold other secrets than keys of backends, and no administrator may have the site send those somewhere.
KEY_VARIABLE = re.compile(r"[A-Z0-9_]*_API_KEY|MMCHAT_KEY_[A-Z0-9_]+")
OTHER_ADDRESS = _("It answers at another address than this one: save it with that.")
KEY_NAME_WORDS = _(
    "This is the name of an environment variable, not the key itself. It ends in _API_KEY or begins "
    "with MMCHAT_KEY_, so that no other secret of the site can be sent away."
)
_UNKNOWN_CALL = (WorkerModelUnknown, WorkerRejected)
# What says that the path is wrong, and perhaps nothing else.
_OTHER_PATH = (WorkerBadJson, WorkerHtml, *_UNKNOWN_CALL)


class Listed(NamedTuple):
    """The models of a backend, and which of them take no images, as far as it says."""

    names: list[str]
    text_only: frozenset[str] = frozenset()


class Checked(NamedTuple):
    """What a backend answered: the address that works, its models, and how long it took in seconds."""

    url: str
    listed: Listed
    seconds: float

    @property
    def models(self) -> list[str]:
        return self.listed.names


class CheckFailed(Exception):
    """A backend can't be used as it is; `field` of its form is where that can be mended."""

    def __init__(self, code: str, text: str | Promise, field: str = "url", detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.field = field
        self.detail = detail


# What administrators read beside the address; the errors' own details follow.
_WORDS: dict[str, str | Promise] = {
    "worker_address_forbidden": _(
        "The site may not go to this address. Allowed are the networks in MMCHAT_WORKER_NETWORKS, and public "
        "addresses by https."
    ),
    "worker_unknown_host": _("This host name does not resolve on the site's machine."),
    "worker_refused": _("Nothing accepts connections at this address. Is the server running, and the port right?"),
    "worker_connect_timeout": _("No connection came about in time. Is a firewall between the site and the server?"),
    "worker_silent": _("The server took the connection, but gave no answer in time."),
    "worker_bad_certificate": _(
        "The server's certificate is not to be trusted: out of date, another host's, or of an authority that this "
        "machine does not know. SSL_CERT_FILE names a file of authorities."
    ),
    "worker_html": _("A web page answers at this address, not a backend. Is the path right?"),
    "worker_redirect": _("The server sends the site to another address. Give that one; redirects are not followed."),
    "worker_rejected": _("The server does not know this call. Is the path right, and the kind?"),
    "worker_model_unknown": _("The server does not know this call. Is the path right, and the kind?"),
    "worker_bad_json": _("The answer is no list of models. Is the kind right?"),
    "worker_bad_utf8": _("The answer is no list of models. Is the kind right?"),
    "worker_http_error": _("The server reported an error of its own. Its log tells more."),
    "worker_busy": _("The server has too much to do now. Try it again in a moment."),
    "worker_oversized": _("The answer is longer than any list of models."),
    "worker_broke_off": _("The connection broke off. Does the server speak the protocol in front of the address?"),
    "controller_unreachable": _("No controller answers at this address."),
    "controller_garbage": _("What answers at this address is no controller."),
}  # fmt: skip
_KEY_WORDS: dict[str, str | Promise] = {
    "worker_key_missing": _(
        "The environment of the site has no such variable, or it is empty or holds more than a key. Set it, and "
        "restart."
    ),
    "worker_unauthorised": _("The server wants a key, or does not take this one."),
    "worker_quota_used": _("The server takes the key, but what was paid for is used up."),
}


def protocol_of(model: ChatModel, kind: str = Backend.Kind.CONTROLLER, told: str = "") -> str:
    """Give the protocol in which a model is asked behind a kind of backend; `told` is what its worker registered."""
    if kind == Backend.Kind.OPENAI:
        return "openai"
    by_kind = "fastchat" if kind == Backend.Kind.FASTCHAT else told
    return model.protocol or by_kind or choose_protocol(model.name)


def key_of(variable: str) -> str:
    """Give the key that an environment variable holds; none for no variable. Raises WorkerKeyMissing."""
    if not variable:
        return ""
    if not KEY_VARIABLE.fullmatch(variable):
        raise WorkerKeyMissing(f"{variable} is no name for a key")
    key = os.environ.get(variable, "").strip()
    if not (key and key.isascii() and key.isprintable() and " " not in key):
        raise WorkerKeyMissing(f"{variable} is not set, or holds no key")
    return key


def check_backend(url: str) -> None:
    """Refuse an address that an administrator typed and the site may not go to. Blocks; raises a WorkerError."""
    # Whoever may set the environment may reach anything.
    if url != settings.MMCHAT_CONTROLLER_URL:
        check_backend_address(url, settings.MMCHAT_WORKER_NETWORKS)


def list_models(backend: Backend, seconds: float = CALL_SECONDS) -> Listed:
    """Ask a backend other than the built-in one for its models, and give those that the site is to take.

    Raises a WorkerError, or CheckFailed where there are too many.
    """
    check_backend(backend.url)
    if backend.kind != Backend.Kind.OPENAI:
        with contextlib.suppress(WorkerError):
            # It answers when its slowest worker has; the list that it has by then is good all the same.
            ControllerClient(backend.url, seconds).refresh_all_workers()
    return _taken(backend, _listed(backend, backend.url, seconds))


def check(backend: Backend) -> Checked:
    """Find out whether a backend, which may not be stored yet, can be used, in `CHECK_SECONDS` at most.

    Raises CheckFailed.
    """
    return in_time(lambda: ask(backend))


def in_time(call: Callable[[], T]) -> T:
    """Call what asks a server, and wait for `CHECK_SECONDS` at most. Raises CheckFailed for its WorkerErrors, too."""
    try:
        return within(CHECK_SECONDS, call)
    except Late:
        raise CheckFailed("worker_silent", _WORDS["worker_silent"]) from None
    except WorkerError as error:
        raise _failure(error) from error


def within(seconds: float, call: Callable[[], T]) -> T:
    """Call what may take longer than anybody waits, as the resolving of names does; such a thread ends by itself.

    Raises `concurrent.futures.TimeoutError`, and what the call raises.
    """
    found: Future[T] = Future()

    def run() -> None:
        try:
            found.set_result(call())
        except Exception as error:
            found.set_exception(error)

    threading.Thread(target=run, name="mmchat-check", daemon=True).start()
    return found.result(seconds)


def ask(backend: Backend) -> Checked:
    """Ask a backend for its models at each address that may be meant. Blocks; raises CheckFailed or a WorkerError."""
    bases = openai.bases_of(backend.url) if backend.kind == Backend.Kind.OPENAI else [backend.url.rstrip("/")]
    wrong: WorkerError | None = None
    for base in bases:
        begun = time.monotonic()
        try:
            check_backend(base)
            listed = _listed(backend, base, CHECK_SECONDS / 2)
        except _OTHER_PATH as error:
            # What knows no such call tells less than what answers it badly.
            wrong = error if wrong is None or isinstance(wrong, _UNKNOWN_CALL) else wrong
            continue
        seconds = time.monotonic() - begun
        if not listed.names:
            raise CheckFailed("backend_lists_nothing", _("The backend answers, but lists no model now."))
        if not (taken := _taken(backend, listed)).names:
            text = _("None of the {count} models that the backend lists is taken by this.")
            raise CheckFailed("backend_takes_nothing", format_lazy(text, count=len(listed.names)), "taken")
        return Checked(base, taken, seconds)
    assert wrong
    raise wrong


def _listed(backend: Backend, url: str, seconds: float) -> Listed:
    if backend.kind == Backend.Kind.OPENAI:
        return Listed(openai.list_models(url, key_of(backend.key_variable), seconds))
    client = ControllerClient(url, seconds)
    if backend.kind == Backend.Kind.FASTCHAT:
        names, seeing = client.list_models(), client.list_multimodal_models()
        return Listed(names, frozenset(names).difference(seeing))
    return Listed(client.list_models())


def _taken(backend: Backend, listed: Listed) -> Listed:
    names = [name for name in listed.names if backend.takes(name)]
    if len(names) > MOST_MODELS:
        text = _(
            "The backend lists {count} models, and at most {limit} are taken. Name those that you want: one a line, * "
            "stands for anything."
        )
        text = format_lazy(text, count=len(names), limit=MOST_MODELS)
        raise CheckFailed("backend_lists_too_many", text, "taken", f"{len(names)} models")
    return listed._replace(names=names)


def cause_of(error: WorkerError) -> WorkerError:
    """Give why a controller's client found no controller; any other error is its own cause."""
    cause = error.__cause__
    return cause if isinstance(error, ControllerError) and isinstance(cause, WorkerError) else error


def _failure(error: WorkerError) -> CheckFailed:
    # What a controller's client says is its own; why it says so tells more.
    if (cause := cause_of(error)).code in _WORDS:
        error = cause
    if error.code in _KEY_WORDS:
        return CheckFailed(error.code, _KEY_WORDS[error.code], "key_variable", error.detail)
    return CheckFailed(error.code, _WORDS.get(error.code, error.code), "url", error.detail)
