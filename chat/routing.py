"""The site's sockets, and who may open them."""

from urllib.parse import urlsplit

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http.request import split_domain_port, validate_host
from django.urls import path

from chat.consumers import ChatConsumer


class OriginCheck:
    """Let in handshakes from the site's own pages only; others get 403.

    The origin must be the public address of the site. Where none is set, it must be what the browser itself
    asked for (`Host`), which in turn must be an allowed host: then a page of another site, another port or
    another scheme can't open a socket with a visitor's cookie.
    """

    def __init__(self, application) -> None:  # type: ignore[no-untyped-def]
        self.application = application

    async def __call__(self, scope, receive, send):  # type: ignore[no-untyped-def]
        headers = dict(scope.get("headers", ()))
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if self.allows(origin, host, scope.get("scheme", "ws")):
            return await self.application(scope, receive, send)
        return await WebsocketDenier()(scope, receive, send)

    @staticmethod
    def allows(origin: str, host: str, scheme: str) -> bool:
        if origin and origin == settings.MMCHAT_SHARED_ORIGIN:
            return True
        if settings.MMCHAT_ORIGIN:
            return origin == settings.MMCHAT_ORIGIN
        parts = urlsplit(origin)
        if parts.scheme != {"ws": "http", "wss": "https"}.get(scheme) or parts.netloc.lower() != host:
            return False
        try:
            return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
        except (DisallowedHost, ValueError):
            return False


websocket = OriginCheck(CookieMiddleware(URLRouter([path("ws/chat/", ChatConsumer.as_asgi())])))
