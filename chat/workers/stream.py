"""Stream one reply from a worker."""

import asyncio
import errno
import io
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

import aiohttp
import msgspec

from .errors import (
    WorkerAddressForbidden,
    WorkerBrokeOff,
    WorkerConnectTimeout,
    WorkerError,
    WorkerHtml,
    WorkerRefused,
    WorkerUnknownHost,
    error_of_status,
    excerpt,
)
from .protocols import Chunk, GenerationRequest, Protocol
from .relay import Relay, Timeouts

__all__ = ["Timeouts", "make_session", "stream_reply"]

TIMEOUTS = Timeouts()
PACE = 0.05
_EXCERPT_WAIT = 1.0
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
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        headers=_HEADERS,
        auto_decompress=False,
        trust_env=False,
    )


async def stream_reply(
    session: aiohttp.ClientSession,
    address: str,
    protocol: Protocol,
    request: GenerationRequest,
    on_chunk: Callable[[Chunk], None],
    *,
    timeouts: Timeouts = TIMEOUTS,
    pace: float = PACE,
    on_end: Callable[[int], None] = lambda frames: None,
    pictures: Executor | None = None,
) -> None:
    """Ask a worker for a reply and give its text so far to `on_chunk` until it ends.

    `address` is the worker's base URL and may have a path. `on_chunk` is called in the event loop, first as
    soon as there is text, then at most once per `pace` seconds with the newest text. Raises a WorkerError
    after the last good text was delivered, and whatever `on_chunk` raises. Cancelling closes the connection,
    which is how a reply is stopped; nothing is delivered after that. `on_end` is told at last, whatever
    happened, how many frames came. Pictures are encoded in `pictures`, None: the loop's own threads.
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

    text_only = replace(request, images=(), original_images=())
    relay = Relay(protocol, text_only, on_chunk, fail, timeouts=timeouts, pace=pace)
    url = address.rstrip("/") + protocol.path
    if request.images or request.original_images:
        ask = _ask(session, url, await loop.run_in_executor(pictures, _body, protocol, request), timeouts)
    else:
        ask = _ask(session, url, _body(protocol, request), timeouts)
    # Pictures are megabytes: no frame may hold them while the reply runs, which can take half an hour.
    del request
    try:
        try:
            async with scope:
                await _read(await ask, relay)
        except TimeoutError:
            if failure is None:
                raise
        except WorkerError as error:
            failure = failure or error
        if failure is not None:
            if isinstance(failure, WorkerError):
                relay.flush()
            raise failure
    finally:
        relay.close()
        on_end(relay.frames)


def _body(protocol: Protocol, request: GenerationRequest) -> io.BytesIO:
    # A stream is sent piece by piece, so a large image does not block the loop.
    return io.BytesIO(msgspec.json.encode(protocol.body(request)))


async def _ask(
    session: aiohttp.ClientSession, url: str, body: io.BytesIO, timeouts: Timeouts
) -> aiohttp.ClientResponse:
    """Send the request and give the head of the answer. Raises a WorkerError when none comes."""
    try:
        return await session.post(
            url,
            data=body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=timeouts.connect),
        )
    except (aiohttp.ClientError, OSError) as error:
        raise _translate(error) from error


async def _read(response: aiohttp.ClientResponse, relay: Relay) -> None:
    """Feed the relay until the body ends. Raises a WorkerError for every way in which HTTP fails."""
    try:
        await _check_head(response)
        while data := await _read_any(response):
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


async def _check_head(response: aiohttp.ClientResponse) -> None:
    error = error_of_status(response.status, f"HTTP {response.status}")
    if error is None and response.content_type in ("text/html", "application/xhtml+xml"):
        error = WorkerHtml(response.content_type)
    if error is None:
        return
    try:
        async with asyncio.timeout(_EXCERPT_WAIT):
            error.detail += f": {excerpt(await response.content.read(2000))}"
    except (aiohttp.ClientError, OSError):
        # The status alone has to do; TimeoutError is an OSError.
        pass
    raise error


def _translate(error: Exception) -> WorkerError:
    """Return the named error for one of aiohttp's or the operating system's."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return WorkerConnectTimeout(detail)
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return WorkerAddressForbidden(detail)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return WorkerUnknownHost(detail)
    if isinstance(error, aiohttp.ClientConnectorError):
        return WorkerConnectTimeout(detail) if error.errno == errno.ETIMEDOUT else WorkerRefused(detail)
    return WorkerBrokeOff(detail)
