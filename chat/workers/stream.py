"""Stream one reply from a worker."""

import asyncio
import contextlib
import errno
import io
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import replace
from typing import NamedTuple

import aiohttp
import msgspec

from .calls import CERTIFICATES
from .errors import (
    WorkerAddressForbidden,
    WorkerBadCertificate,
    WorkerBrokeOff,
    WorkerConnectTimeout,
    WorkerError,
    WorkerHtml,
    WorkerParameterRefused,
    WorkerRefused,
    WorkerUnknownHost,
    excerpt,
    without_key,
)
from .protocols import Chunk, GenerationRequest, Protocol
from .relay import Relay, Timeouts

__all__ = ["Timeouts", "make_session", "stream_reply"]

TIMEOUTS = Timeouts()
PACE = 0.05
_EXCERPT_WAIT = 1.0
_BEGINNING = 8000  # bytes of an answer that is no reply
_HEADERS = {
    "Content-Type": "application/json",
    # A compressed body would hold frames back, and could swell to any size.
    "Accept-Encoding": "identity",
    "User-Agent": "mmchat",
}


def make_session() -> aiohttp.ClientSession:
    """Return the session that all streams of a process share; call it inside the event loop.

    Time limits are `stream_reply`'s. Each reply has a connection of its own: a kept one may be closed by the
    worker at the very moment it is used again, and a POST can't be sent twice.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True, ssl=_certificates()),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        headers=_HEADERS,
        auto_decompress=False,
        trust_env=False,
    )


def _certificates() -> ssl.SSLContext:
    # The same authorities as those of the short calls.
    return ssl.create_default_context(cafile=CERTIFICATES)


class Sent(NamedTuple):
    """Hold what a worker has sent: how many frames, and its newest chunk, None before the first one."""

    frames: int
    last: Chunk | None


async def stream_reply(
    session: aiohttp.ClientSession,
    address: str,
    protocol: Protocol,
    request: GenerationRequest,
    on_chunk: Callable[[Chunk], None],
    *,
    key: str = "",
    timeouts: Timeouts = TIMEOUTS,
    pace: float = PACE,
    on_end: Callable[[Sent], None] = lambda sent: None,
    pictures: Executor | None = None,
) -> None:
    """Ask a worker for a reply and give its text so far to `on_chunk` until it ends.

    `address` is the worker's base URL and may have a path; `key` goes along as a bearer token, and is in no error.
    `on_chunk` is called in the event loop, first as
    soon as there is text, then at most once per `pace` seconds with the newest text. Raises a WorkerError
    after the last good text was delivered, and whatever `on_chunk` raises. Cancelling closes the connection,
    which is how a reply is stopped; nothing is delivered after that. `on_end` is told at last, whatever
    happened, what came. Pictures are encoded in `pictures`, None: the loop's own threads.
    """
    loop = asyncio.get_running_loop()
    failure: Exception | None = None
    scope = asyncio.timeout(None)

    def fail(error: Exception) -> None:
        # The scope cancels the reader and takes the cancellation back; one from outside passes through it.
        nonlocal failure
        if failure is None:
            failure = error
            scope.reschedule(loop.time())

    # Before the relay's clock runs: pictures may have to wait for a thread, which is not the worker's time.
    if request.images or request.original_images:
        body = await loop.run_in_executor(pictures, _body, protocol, request)
    else:
        body = _body(protocol, request)
    ask = _ask(session, address.rstrip("/") + protocol.path, body, key, timeouts)
    request = replace(request, images=(), original_images=())
    # Pictures are megabytes: no frame may hold them while the reply runs, which can take half an hour.
    del body
    relay = Relay(protocol.reader(request), on_chunk, fail, timeouts=timeouts, pace=pace)
    try:
        try:
            async with scope:
                await _read(await ask, protocol, key, relay)
        except TimeoutError:
            if failure is None:
                raise
        except WorkerError as error:
            failure = failure or error
        if failure is not None:
            if isinstance(failure, WorkerError):
                relay.flush()
                failure.hide(key)
            raise failure
    finally:
        relay.close()
        on_end(Sent(relay.frames, relay.last))


async def leaving_out(refused: set[str], ask: Callable[[frozenset[str]], Awaitable[None]]) -> None:
    """Ask a worker, and again without each parameter that it refuses, which `refused` has then, too.

    `ask` is told what to leave out. Raises what it raises, WorkerParameterRefused for what was left out already.
    """
    while True:
        try:
            return await ask(frozenset(refused))
        except WorkerParameterRefused as error:
            if error.parameter in refused:
                raise
            refused.add(error.parameter)


def _body(protocol: Protocol, request: GenerationRequest) -> io.BytesIO:
    # A stream is sent piece by piece, so a large image does not block the loop.
    return io.BytesIO(msgspec.json.encode(protocol.body(request)))


async def _ask(
    session: aiohttp.ClientSession, url: str, body: io.BytesIO, key: str, timeouts: Timeouts
) -> aiohttp.ClientResponse:
    """Send the request and give the head of the answer. Raises a WorkerError when none comes."""
    try:
        return await session.post(
            url,
            data=body,
            headers={"Authorization": f"Bearer {key}"} if key else None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect),
        )
    except (aiohttp.ClientError, OSError) as error:
        raise _translate(error) from error


async def _read(response: aiohttp.ClientResponse, protocol: Protocol, key: str, relay: Relay) -> None:
    """Feed the relay until the body ends. Raises a WorkerError for every way in which HTTP fails."""
    try:
        await _check_head(response, protocol, key)
        while not relay.ended and (data := await _read_any(response)):
            relay.feed(data)
    finally:
        # Not `release`: what is left unread must not keep the worker busy.
        response.close()
    relay.finish()


async def _read_any(response: aiohttp.ClientResponse) -> bytes:
    """Return what has arrived, b"" at the end of the body."""
    try:
        return await response.content.readany()
    except (aiohttp.ClientError, OSError) as error:
        raise _translate(error) from error


async def _check_head(response: aiohttp.ClientResponse, protocol: Protocol, key: str) -> None:
    is_page = response.content_type in ("text/html", "application/xhtml+xml")
    if response.status < 300 and not is_page:
        return
    beginning = ""
    # TimeoutError is an OSError; the status alone has to do then.
    with contextlib.suppress(aiohttp.ClientError, OSError):
        async with asyncio.timeout(_EXCERPT_WAIT):
            beginning = (await response.content.read(_BEGINNING)).decode("utf-8", "replace")
    beginning = without_key(beginning, key)
    error = protocol.refusal(response.status, response.headers, beginning)
    raise error or WorkerHtml(f"{response.content_type}: {excerpt(beginning)}")


def _translate(error: Exception) -> WorkerError:
    """Return the named error for one of aiohttp's or the operating system's."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return WorkerConnectTimeout(detail)
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return WorkerAddressForbidden(detail)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return WorkerUnknownHost(detail)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return WorkerBadCertificate(detail)
    if isinstance(error, aiohttp.ClientSSLError):
        return WorkerBrokeOff(detail)
    if isinstance(error, aiohttp.ClientConnectorError):
        return WorkerConnectTimeout(detail) if error.errno == errno.ETIMEDOUT else WorkerRefused(detail)
    return WorkerBrokeOff(detail)
