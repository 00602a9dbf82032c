"""Name every way in which a worker or a controller can fail."""

from typing import ClassVar


class WorkerError(Exception):
    """Tell why a call to a worker or a controller failed.

    `code` is stable and is what gets stored; `retry_may_help` says whether the same call may do better later;
    `blames_worker` is false where the request alone is to blame, so that nobody's prompts make a worker look ill;
    `detail` is for administrators only and may quote what the other side sent, but for its key. Words for
    visitors belong to the caller.

    WorkerError
     ├── WorkerAddressForbidden      worker_address_forbidden   outside the allowed networks, or malformed
     ├── WorkerRefused               worker_refused             nothing accepts connections there
     ├── WorkerUnknownHost           worker_unknown_host        its name does not resolve
     ├── WorkerConnectTimeout        worker_connect_timeout
     ├── WorkerBadCertificate        worker_bad_certificate     its certificate is not to be trusted
     ├── WorkerKeyMissing            worker_key_missing         the variable that should hold its key holds none
     ├── WorkerUnauthorised          worker_unauthorised        401 or 403: it wants a key, or another one
     ├── WorkerModelUnknown          worker_model_unknown       it serves no such model
     ├── WorkerParameterRefused      worker_parameter_refused   it takes no such parameter for this model
     ├── WorkerContextTooLong        worker_context_too_long    more text than the model can read
     ├── WorkerImagesRefused         worker_images_refused      it takes no images, or not so many
     ├── WorkerFiltered              worker_filtered            its own content filter refused
     ├── WorkerQuotaUsed             worker_quota_used          paid for nothing more
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
    blames_worker: ClassVar[bool] = True

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def hide(self, key: str) -> None:
        """Take a key out of the detail."""
        self.detail = without_key(self.detail, key)
        self.args = (self.detail,)

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


class WorkerBadCertificate(WorkerError):
    """Report a certificate that no authority vouches for, or that is out of date or another host's."""

    code = "worker_bad_certificate"
    retry_may_help = False


class WorkerKeyMissing(WorkerError):
    """Report that the environment variable that should hold the key holds none, or none that can be sent."""

    code = "worker_key_missing"
    retry_may_help = False


class WorkerUnauthorised(WorkerError):
    """Report a status of 401 or 403: no key was sent, or one that is not taken."""

    code = "worker_unauthorised"
    retry_may_help = False


class WorkerModelUnknown(WorkerError):
    """Report that a server does not serve the model that was asked for."""

    code = "worker_model_unknown"
    retry_may_help = False
    blames_worker = False


class WorkerParameterRefused(WorkerError):
    """Report a parameter that a server does not take for a model; the same request without it may do."""

    code = "worker_parameter_refused"
    retry_may_help = False
    blames_worker = False

    def __init__(self, detail: str = "", parameter: str = "") -> None:
        super().__init__(detail)
        self.parameter = parameter


class WorkerContextTooLong(WorkerError):
    """Report a conversation that is longer than the model can read."""

    code = "worker_context_too_long"
    retry_may_help = False
    blames_worker = False


class WorkerImagesRefused(WorkerError):
    """Report a model that takes no images, or not so many or large ones."""

    code = "worker_images_refused"
    retry_may_help = False
    blames_worker = False


class WorkerFiltered(WorkerError):
    """Report that the server's own content filter refused the request or its whole answer."""

    code = "worker_filtered"
    retry_may_help = False
    blames_worker = False


class WorkerQuotaUsed(WorkerError):
    """Report that what was paid for is used up."""

    code = "worker_quota_used"
    retry_may_help = False


class WorkerHttpError(WorkerError):
    """Report a status of 500 or more."""

    code = "worker_http_error"


class WorkerBusy(WorkerError):
    """Report status 429; `retry_after` are the seconds that the server asks for, None where it names none."""

    code = "worker_busy"

    def __init__(self, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


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


def without_key(text: str, key: str) -> str:
    """Return a text without the key: there are servers that repeat it in their errors.

    Where the text was cut short, the beginning of a key at its end goes as well.
    """
    if not key:
        return text
    text = text.replace(key, "[key]")
    end = "…" if text.endswith("…") else ""
    text = text.removesuffix(end)
    cut = next((length for length in range(len(key) - 1, 3, -1) if text.endswith(key[:length])), 0)
    return text[: len(text) - cut] + end


def error_of_status(status: int, detail: str) -> WorkerError | None:
    """Return the error that an HTTP status means, None when there is none."""
    if status < 300:
        return None
    if status < 400:
        return WorkerRedirect(detail)
    if status == 429:
        return WorkerBusy(detail)
    return WorkerRejected(detail) if status < 500 else WorkerHttpError(detail)
