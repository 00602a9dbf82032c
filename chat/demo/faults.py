"""Ways to misbehave, for tests of whoever reads a worker's stream."""

import asyncio
import os
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from chat.serving.frames import Frames, encode

TRAFFIC = (
    "**NETWORK ERROR DUE TO HIGH TRAFFIC. PLEASE REGENERATE OR REFRESH THIS PAGE.**"  # as LLaVA's worker says
)
_ASKED = re.compile(r"\[\[fault:([\w@-]+)\]\]")
_EXIT_CODE = 70
_SHOWN_SECONDS = 0.1  # the site looks every 50 ms; what it never saw, it need not take back
_TAKEN_BACK = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave, and after how many tokens."""

    kind: str
    after: int


@dataclass(frozen=True, slots=True)
class Stream:
    """The reply that a fault breaks: its request, its response, already begun, and its frames."""

    request: web.Request
    response: web.StreamResponse
    frames: Frames


def parse_fault(text: str) -> Fault:
    """Read `KIND` or `KIND@N`. Raises ValueError with the kinds there are."""
    kind, separator, after = text.partition("@")
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no fault; there are {', '.join(KINDS)}.")
    if separator and not (after.isdecimal() and len(after) < 10):
        raise ValueError(f"{text!r}: after @ comes a number of tokens.")
    return Fault(kind, int(after) if separator else _DEFAULT_AFTER.get(kind, 0))


def asked_fault(question: str) -> Fault | None:
    """Give the fault that a question asks for with `[[fault:KIND@N]]`; None without one that is known."""
    found = _ASKED.search(question)
    try:
        return parse_fault(found[1]) if found else None
    except ValueError:
        return None


# Faults instead of a stream: what is answered.

ANSWERS: dict[str, Callable[[], web.Response]] = {
    "http-500": lambda: web.Response(status=500, text="Internal Server Error"),
    "http-429": lambda: web.Response(status=429, text="Too Many Requests", headers={"Retry-After": "1"}),
    "html": lambda: web.Response(text="<!doctype html><title>Welcome</title>", content_type="text/html"),
    "redirect": lambda: web.Response(status=307, headers={"Location": "/worker_get_status"}),
    "empty": lambda: web.Response(),
}

# Faults in a stream: each writes what it will, and says whether the reply is over.


async def _silence(stream: Stream) -> bool:
    await asyncio.Event().wait()
    return True


async def _die(stream: Stream) -> bool:
    os._exit(_EXIT_CODE)


async def _reset(stream: Stream) -> bool:
    transport = stream.request.transport
    if transport is not None:
        # Closing a socket that lingers for 0 s sends RST, and what the other side has not read yet is lost.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return True


async def _garbage(stream: Stream) -> bool:
    await stream.response.write(b"Traceback (most recent call last):\0")
    return True


async def _bad_utf8(stream: Stream) -> bool:
    await stream.response.write(stream.frames.frame().replace(b'", "error_code"', b'\xff\xfe", "error_code"'))
    return True


async def _error_code(stream: Stream) -> bool:
    await stream.response.write(encode(TRAFFIC, 1))
    return True


async def _shrink(stream: Stream) -> bool:
    await asyncio.sleep(_SHOWN_SECONDS)
    await stream.response.write(stream.frames.take_back(_TAKEN_BACK))
    return False


async def _no_nul(stream: Stream) -> bool:
    await stream.response.write(b'{"text": "')
    while True:
        await stream.response.write(b"x" * 65_536)
        await asyncio.sleep(0)


async def _broken_off(stream: Stream) -> bool:
    frame = stream.frames.frame()
    await stream.response.write(frame[: len(frame) // 2])
    return True


async def _go_on(stream: Stream) -> bool:
    return False


BREAKS: dict[str, Callable[[Stream], Awaitable[bool]]] = {
    "hang": _silence,
    "stall": _silence,
    "die": _die,
    "reset": _reset,
    "garbage": _garbage,
    "bad-utf8": _bad_utf8,
    "error-code": _error_code,
    "shrink": _shrink,
    "endless": _go_on,  # the server never runs out of tokens
    "no-nul": _no_nul,
    "broken-off": _broken_off,
    "duplicate": _go_on,  # the server writes each frame twice
}

KINDS = (*ANSWERS, *BREAKS)
_DEFAULT_AFTER = dict.fromkeys(("stall", "die", "reset", "error-code", "shrink", "broken-off"), 5)
