"""An ASGI layer in front of the sockets that sends handshakes elsewhere while this process ends."""

from collections.abc import Awaitable, Callable
from typing import Any

from chat.generation.engine import is_draining

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class RefuseWhileDraining:
    """Answer handshakes with 503 while this process drains.

    A proxy passes that on to another process, and the browser notices nothing. An opened socket that closes at
    once with 1012 comes back through the proxy to the same process, as long as that is the one with the
    fewest sockets.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if not is_draining() or "websocket.http.response" not in scope.get("extensions", {}):
            return await self._application(scope, receive, send)
        await receive()
        headers = [(b"content-length", b"0"), (b"retry-after", b"1")]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
