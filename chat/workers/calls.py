"""Make the short calls, those that are answered with one JSON value, without the event loop."""

import os
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
import requests
import urllib3

from .errors import (
    WorkerAddressForbidden,
    WorkerBadCertificate,
    WorkerBadJson,
    WorkerBadUtf8,
    WorkerBrokeOff,
    WorkerConnectTimeout,
    WorkerError,
    WorkerOversized,
    WorkerRefused,
    WorkerSilent,
    WorkerUnknownHost,
    excerpt,
    without_key,
)
from .protocols.base import refusal_by_status

T = TypeVar("T")
MAX_ANSWER = 4 * 1024 * 1024  # the list of a service with ten thousand models

# Who vouches for certificates, to all calls and streams alike; a company with an authority of its own names another
# file, in the variable that programs on OpenSSL know.
CERTIFICATES = os.environ.get("SSL_CERT_FILE") or requests.utils.DEFAULT_CA_BUNDLE_PATH

Refusal = Callable[[int, Mapping[str, str], str], WorkerError | None]


def post_json(url: str, payload: Any, timeout: float) -> bytes:
    """Post a JSON value (None: no body) and return the answer's bytes, at most 4 MiB.

    `timeout` in seconds covers the connection and then the whole answer, however slowly it drips. Redirects,
    proxies and credentials of the environment are not used. Raises a WorkerError.
    """
    data = None if payload is None else msgspec.json.encode(payload)
    return _call("POST", url, data, timeout, "", refusal_by_status)


def get_json(url: str, timeout: float, key: str, refusal: Refusal) -> bytes:
    """Get an address with a key as bearer token, if there is one, and return the answer's bytes as `post_json` does.

    `refusal` names the error of a status (see `Protocol`). No error holds the key.
    """
    return _call("GET", url, None, timeout, key, refusal)


def _call(method: str, url: str, data: bytes | None, timeout: float, key: str, refusal: Refusal) -> bytes:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    # A session per call: sessions are not made for several threads, and a kept connection may be stale.
    with requests.Session() as session:
        session.trust_env = False
        session.verify = CERTIFICATES
        try:
            with session.request(
                method, url, data=data, headers=headers, timeout=timeout, allow_redirects=False, stream=True
            ) as response:
                answer = _read(response, time.monotonic() + timeout)
        except (requests.Timeout, urllib3.exceptions.ReadTimeoutError) as error:
            kind = WorkerConnectTimeout if isinstance(error, requests.ConnectTimeout) else WorkerSilent
            raise kind(_why(error)) from error
        except requests.ConnectionError as error:
            raise _connection_error(error) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise WorkerBrokeOff(_why(error)) from error
        # requests lets some malformed addresses through as bare ValueErrors.
        except ValueError as error:
            raise WorkerAddressForbidden(str(error)) from error
    beginning = without_key(answer[:8000].decode("utf-8", "replace"), key)
    if refused := refusal(response.status_code, response.headers, beginning):
        raise refused
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


def _connection_error(error: requests.ConnectionError) -> WorkerError:
    reason, why = _reason(error), _why(error)
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return WorkerUnknownHost(why)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return WorkerRefused(why)
    if isinstance(error, requests.exceptions.SSLError) and not _is_no_tls(reason):
        return WorkerBadCertificate(why)
    return WorkerBrokeOff(why)


def _is_no_tls(reason: Any) -> bool:
    """Tell whether a server broke the handshake, or speaks no TLS; its certificate was never judged."""
    said = reason.args[0] if isinstance(reason, urllib3.exceptions.SSLError) and reason.args else None
    return isinstance(said, ssl.SSLError) and not isinstance(said, ssl.SSLCertVerificationError)


def _reason(error: Exception) -> Any:
    return getattr(error.args[0] if error.args else None, "reason", None)


def _why(error: Exception) -> str:
    """Give what went wrong without the words around it, on connection pools and retries of which there are none."""
    reason = _reason(error) or error
    if isinstance(reason, urllib3.exceptions.SSLError) and reason.args:
        reason = reason.args[0]
    # "HTTPConnection(host=…, port=…): why"
    return str(reason).partition("): ")[2] or str(reason)
