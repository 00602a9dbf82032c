"""Make the short calls, those that are answered with one JSON value, without the event loop."""

import time
from typing import Any, TypeVar

import msgspec
import requests
import urllib3

from .errors import (
    WorkerAddressForbidden,
    WorkerBadJson,
    WorkerBadUtf8,
    WorkerBrokeOff,
    WorkerConnectTimeout,
    WorkerOversized,
    WorkerRefused,
    WorkerSilent,
    WorkerUnknownHost,
    error_of_status,
    excerpt,
)

T = TypeVar("T")
MAX_ANSWER = 1024 * 1024


def post_json(url: str, payload: Any, timeout: float) -> bytes:
    """Post a JSON value (None: no body) and return the answer's bytes, at most 1 MiB.

    `timeout` in seconds covers the connection and then the whole answer, however slowly it drips. Redirects,
    proxies and credentials of the environment are not used. Raises a WorkerError.
    """
    # A session per call: sessions are not made for several threads, and a kept connection may be stale.
    with requests.Session() as session:
        session.trust_env = False
        try:
            with session.post(
                url,
                data=None if payload is None else msgspec.json.encode(payload),
                headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                answer = _read(response, time.monotonic() + timeout)
        except requests.ConnectTimeout as error:
            raise WorkerConnectTimeout(str(error)) from error
        except (requests.Timeout, urllib3.exceptions.ReadTimeoutError) as error:
            raise WorkerSilent(str(error)) from error
        except requests.exceptions.SSLError as error:
            raise WorkerRefused(str(error)) from error
        except requests.ConnectionError as error:
            raise _connection_error(error) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise WorkerBrokeOff(str(error)) from error
        # requests lets some malformed addresses through as bare ValueErrors.
        except ValueError as error:
            raise WorkerAddressForbidden(str(error)) from error
    if status_error := error_of_status(
        response.status_code, f"HTTP {response.status_code}: {excerpt(answer)}"
    ):
        raise status_error
    return answer


def decode(answer: bytes, kind: type[T]) -> T:
    """Return an answer as a typed value. Raises WorkerBadJson or WorkerBadUtf8."""
    try:
        return msgspec.json.decode(answer, type=kind)
    except UnicodeDecodeError as error:
        raise WorkerBadUtf8(f"{error}: {excerpt(answer[:2000])}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise WorkerBadJson(f"{error}: {excerpt(answer[:2000])}") from None


def _read(response: requests.Response, deadline: float) -> bytes:
    answer = bytearray()
    # `read1` returns what has arrived; `iter_content` would wait for a full piece, past any deadline.
    while piece := response.raw.read1(65536, decode_content=False):
        answer += piece
        if len(answer) > MAX_ANSWER:
            raise WorkerOversized(f"the answer is longer than {MAX_ANSWER} bytes")
        if time.monotonic() > deadline:
            raise WorkerSilent("the answer did not end in time")
    return bytes(answer)


def _connection_error(error: requests.ConnectionError) -> Exception:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return WorkerUnknownHost(str(error))
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return WorkerRefused(str(error))
    return WorkerBrokeOff(str(error))
