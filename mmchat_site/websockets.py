"""uvicorn's websockets, which tell what a client has taken, and can cut off one that takes nothing."""

import socket
import struct
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from chat.consumers import CONNECTION

_BYTES_ACKED = 120  # where Linux's `struct tcp_info` has them, since 4.1


class SiteWebSocket(WebSocketsSansIOProtocol):
    """Offer the application `taken` and the transport's `abort`, under `extensions` in its scope.

    Closing waits until everything that was written is read, which a client that does not read never does.
    """

    _taken_at_ping = 0

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # a handshake that is no websocket's gets none
            scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # its extensions are ours to name
            offered = {"abort": self.transport.abort, "taken": self.taken}
            scope.setdefault("extensions", {})[CONNECTION] = offered

    def taken(self) -> int:
        """Give how many bytes the client's system has acknowledged; 0 where the system does not tell."""
        connection = self.transport.get_extra_info("socket")
        try:
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
            return int(struct.unpack_from("Q", info, _BYTES_ACKED)[0])
        except (AttributeError, OSError, struct.error):
            return 0

    def send_keepalive_ping(self) -> None:
        self._taken_at_ping = self.taken()
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Wait on while the client takes something: the ping stands behind all that it has not read yet."""
        if (taken := self.taken()) > self._taken_at_ping and self.ping_timeout is not None:
            self._taken_at_ping = taken
            self.pong_timer = self.loop.call_later(self.ping_timeout, self.keepalive_timeout)
        else:
            super().keepalive_timeout()
