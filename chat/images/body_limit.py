"""An ASGI layer in front of Django that lets no endless request body in.

Django reads a body to its end, into a temporary file, before any view can look at it. This layer refuses a
body that is, or turns out to be, larger than the largest picture and its form. The refusal goes out at once,
and what the client still sends is read and dropped for a while: a connection that is closed under a client
that writes loses the answer with it.
"""

import asyncio
import contextlib
import errno
import io
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from chat.images.errors import ImageRefused
from chat.images.receiving import FORM_BYTES
from chat.images.store import max_bytes, too_large
from chat.refusals import Refused
from chat.translations import language_of

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = Callable[[HttpRequest, int, Refused], HttpResponse]

_DRAIN_SECONDS = 30
_DRAIN_BYTES = 256 * 2**20


class BodyLimit:
    """Wrap an ASGI application; requests with too large a body get 413 and what `answer` makes of it."""

    def __init__(self, application: Application, answer: Answer) -> None:
        self._application = application
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._application(scope, receive, send)
        most = max_bytes() + FORM_BYTES
        if _declared(scope) > most:
            return await self._refuse(scope, receive, send, lambda: _too_large(scope))
        taken, answered = 0, False

        async def receive_counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            # To Django this is a client that went away, so it drops what it has.
            return {"type": "http.disconnect"} if taken > most else message

        async def send_noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._application(scope, receive_counted, send_noted)
        except OSError as error:
            if answered or error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            logger.error("A request could not be read: %s", error.strerror)
            return await self._refuse(scope, receive, send, lambda: ImageRefused("storage_full"))
        if taken > most and not answered:
            await self._refuse(scope, receive, send, lambda: _too_large(scope))

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, reason: Callable[[], Refused]
    ) -> None:
        request = ASGIRequest(scope, io.BytesIO())
        with translation.override(language_of(request)):
            refused = reason()
        response = self._answer(request, getattr(refused, "status", 413), refused)
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in response.items()]
        headers.append((b"content-length", str(len(response.content)).encode()))
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": response.content, "more_body": True})
        # A client that asked first has sent nothing yet, and reading on would tell it to.
        if (b"expect", b"100-continue") not in scope["headers"]:
            await _drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _too_large(scope: Scope) -> Refused:
    if scope["path"] == reverse("chat:upload"):
        return too_large()
    return Refused("body_too_large", _("This request is too large."))


async def _drain(receive: Receive) -> None:
    left, more = _DRAIN_BYTES, True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
