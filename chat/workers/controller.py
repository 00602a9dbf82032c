"""Ask a controller which models there are and which worker serves one."""

import re
from typing import Any, TypeVar

import msgspec

from .calls import decode, post_json
from .errors import (
    ControllerGarbage,
    ControllerUnreachable,
    NoWorker,
    WorkerBrokeOff,
    WorkerConnectTimeout,
    WorkerError,
    WorkerHttpError,
    WorkerRefused,
    WorkerSilent,
    WorkerUnknownHost,
    excerpt,
)

T = TypeVar("T")

_UNREACHABLE = (
    WorkerBrokeOff,
    WorkerConnectTimeout,
    WorkerHttpError,
    WorkerRefused,
    WorkerSilent,
    WorkerUnknownHost,
)


# What fits where addresses are stored; visible ASCII, for it goes into a request line.
_ADDRESS = re.compile(r"https?://[\x21-\x7e]{1,290}")


class WorkerStatus(msgspec.Struct):
    """Hold what a worker says of itself; `speed` weighs its queue in dispatch."""

    model_names: list[str]
    speed: float = 1.0
    queue_length: int = 0


class _Models(msgspec.Struct):
    models: list[str]


class _Address(msgspec.Struct):
    address: str


class ControllerClient:
    """Make the calls of a LLaVA, InternVL or FastChat controller; they block, and may run in any thread.

    `base_url` may have a path. `timeout` in seconds covers one call. Each method raises ControllerUnreachable
    or ControllerGarbage.
    """

    def __init__(self, base_url: str, timeout: float = 5.0) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout

    def refresh_all_workers(self) -> None:
        """Have the controller ask every worker for its status and drop the silent ones.

        It answers only when all have answered, so the timeout must leave room for silent ones.
        """
        self._call("/refresh_all_workers", None, Any)

    def list_models(self) -> list[str]:
        """Return the names of the models that the controller's workers serve."""
        return self._call("/list_models", None, _Models).models

    def list_multimodal_models(self) -> list[str]:
        """Return the names of those that take images; only FastChat's controllers know this call."""
        return self._call("/list_multimodal_models", None, _Models).models

    def get_worker_address(self, model: str) -> str:
        """Return the base URL of the worker to use for a model. Raises NoWorker when none serves it."""
        address = self._call("/get_worker_address", {"model": model}, _Address).address
        if not address:
            raise NoWorker(f"no worker serves {model!r}")
        if not _ADDRESS.fullmatch(address):
            raise ControllerGarbage(f"no address of a worker: {excerpt(address)}")
        return address

    def _call(self, path: str, payload: Any, kind: type[T]) -> T:
        try:
            return decode(post_json(self._base_url + path, payload, self._timeout), kind)
        except _UNREACHABLE as error:
            raise ControllerUnreachable(str(error)) from error
        except WorkerError as error:
            raise ControllerGarbage(str(error)) from error


def worker_status(address: str, timeout: float = 5.0) -> WorkerStatus:
    """Ask a worker for its status. Raises a WorkerError."""
    return decode(post_json(address.rstrip("/") + "/worker_get_status", None, timeout), WorkerStatus)


def conv_template(address: str, kind: type[T], timeout: float = 5.0) -> T:
    """Ask a FastChat worker for its prompt template, as `kind`. Raises a WorkerError."""
    answer = post_json(address.rstrip("/") + "/worker_get_conv_template", None, timeout)
    return decode(bytes(decode(answer, dict[str, msgspec.Raw]).get("conv", b"null")), kind)
