"""Name every way in which a worker or a controller can fail."""

from typing import ClassVar


class WorkerError(Exception):
    """Tell why a call to a worker or a controller failed.

    `code` is stable and is what gets stored; `retry_may_help` says whether the same call may do better later;
    `detail` is for administrators only and may quote what the other side sent. Words for visitors belong to
    the caller.

    WorkerError
     ├── WorkerAddressForbidden      worker_address_forbidden   outside the allowed networks, or malformed
     ├── WorkerRefused               worker_refused             nothing accepts connections there
     ├── WorkerUnknownHost           worker_unknown_host        its name does not resolve
     ├── WorkerConnectTimeout        worker_connect_timeout
     ├── WorkerHttpError             worker_http_error          5xx
     ├── WorkerBusy                  worker_busy                429
     ├── WorkerRedirect              worker_redirect            3xx; redirects are never followed
     ├── WorkerRejected              worker_rejected            any other 4xx
     ├── WorkerHtml                  worker_html                a web page instead of frames
     ├── WorkerEmpty                 worker_empty               the body ended well without reply text
     ├── WorkerSilent                worker_silent              no first token in time
     ├── WorkerStalled               worker_stalled             no frame in time after the first token
     ├── WorkerTooLong               worker_too_long            the whole reply took too long
     ├── WorkerOversized             worker_oversized           a frame without an end beyond the limit
     ├── WorkerTextTooLarge          worker_text_too_large      more reply text than the limit
     ├── WorkerBadJson               worker_bad_json            a frame that is no JSON, or of another shape
     ├── WorkerBadUtf8               worker_bad_utf8            a frame that is no UTF-8
     ├── WorkerBrokeOff              worker_broke_off           reset, or the body ended inside a frame
     ├── WorkerReportedError         worker_reported_error      a frame whose error_code is not 0
     └── ControllerError
          ├── ControllerUnreachable  controller_unreachable     down, slow, or its proxy says so
          ├── ControllerGarbage      controller_garbage         an answer that is not the protocol's
          └── NoWorker               no_worker                  no worker serves the model
    """

    code: ClassVar[str]
    retry_may_help: ClassVar[bool] = True

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code


class WorkerAddressForbidden(WorkerError):
    """Refuse an address that is malformed or outside the allowed networks."""

    code = "worker_address_forbidden"
    retry_may_help = False


class WorkerRefused(WorkerError):
    """Report that nothing accepts connections at the address."""

    code = "worker_refused"


class WorkerUnknownHost(WorkerError):
    """Report that the host's name does not resolve."""

    code = "worker_unknown_host"


class WorkerConnectTimeout(WorkerError):
    """Report that no connection came about in time."""

    code = "worker_connect_timeout"


class WorkerHttpError(WorkerError):
    """Report a status of 500 or more."""

    code = "worker_http_error"


class WorkerBusy(WorkerError):
    """Report status 429."""

    code = "worker_busy"


class WorkerRedirect(WorkerError):
    """Report a redirect, which is never followed: it could lead outside the allowed networks."""

    code = "worker_redirect"
    retry_may_help = False


class WorkerRejected(WorkerError):
    """Report a status of the 400s other than 429."""

    code = "worker_rejected"
    retry_may_help = False


class WorkerHtml(WorkerError):
    """Report a web page where frames should be: a log-in page, or another service at the address."""

    code = "worker_html"


class WorkerEmpty(WorkerError):
    """Report a body that ended well without any reply text."""

    code = "worker_empty"


class WorkerSilent(WorkerError):
    """Report that no reply text came in time."""

    code = "worker_silent"


class WorkerStalled(WorkerError):
    """Report that frames stopped after the first token while the connection stayed."""

    code = "worker_stalled"


class WorkerTooLong(WorkerError):
    """Report that the whole reply took longer than allowed."""

    code = "worker_too_long"


class WorkerOversized(WorkerError):
    """Report a frame that grew beyond the limit without its end."""

    code = "worker_oversized"


class WorkerTextTooLarge(WorkerError):
    """Report more reply text than the limit."""

    code = "worker_text_too_large"


class WorkerBadJson(WorkerError):
    """Report a frame that is no JSON object, or of another shape than the protocol's."""

    code = "worker_bad_json"


class WorkerBadUtf8(WorkerError):
    """Report a frame that is no UTF-8."""

    code = "worker_bad_utf8"


class WorkerBrokeOff(WorkerError):
    """Report a connection that was reset, or a body that ended inside a frame."""

    code = "worker_broke_off"


class WorkerReportedError(WorkerError):
    """Report a frame whose error_code is not 0; its text is in `detail`."""

    code = "worker_reported_error"


class ControllerError(WorkerError):
    """Group what fails before a worker is known."""


class ControllerUnreachable(ControllerError):
    """Report a controller that is down or slow, or whose proxy says so."""

    code = "controller_unreachable"


class ControllerGarbage(ControllerError):
    """Report an answer of a controller that is not the protocol's."""

    code = "controller_garbage"


class NoWorker(ControllerError):
    """Report that no worker serves the model."""

    code = "no_worker"


def _codes(kind: type[WorkerError]) -> set[str]:
    own = {kind.code} if "code" in vars(kind) else set()
    return own.union(*(_codes(child) for child in kind.__subclasses__()))


# No worker ever heard of the reply.
NOT_REACHED = (WorkerRefused, WorkerUnknownHost, WorkerConnectTimeout)
CODES: frozenset[str] = frozenset(_codes(WorkerError))
_EXCERPT = 500


def excerpt(data: bytes | str) -> str:
    """Return the beginning of what the other side sent, fit for `detail` and for any database."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    text = text.replace("\0", "\ufffd")
    return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"


def error_of_status(status: int, detail: str) -> WorkerError | None:
    """Return the error that an HTTP status means, None when there is none."""
    if status < 300:
        return None
    if status < 400:
        return WorkerRedirect(detail)
    if status == 429:
        return WorkerBusy(detail)
    return WorkerRejected(detail) if status < 500 else WorkerHttpError(detail)
