"""uvicorn's websockets, with a way to cut off a client that reads nothing."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from chat.consumers import ABORT


class SiteWebSocket(WebSocketsSansIOProtocol):
    """Offer the transport's `abort` to the application, under `extensions` in its scope.

    Closing waits until everything that was written is read, which such a client never does.
    """

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # a handshake that is no websocket's gets none
            self.scope.setdefault("extensions", {})[ABORT] = {"abort": self.transport.abort}
