"""Visitors: the key in their signed cookie or token, and their row, made when they first send something."""

import uuid
from collections.abc import Iterable

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from chat import address_keys, addresses
from chat.addresses import Address, Network, client_address
from chat.models import Visitor

COOKIE = "mmchat_visitor"
COOKIE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep one
# Frames of other sites get no cookies: their scripts send a token, over HTTP in this header, to the socket among the
# protocols that they offer. Neither can be sent by a page that is not ours.
HEADER = "X-Visitor"
PROTOCOL, _OFFERED = "mmchat", "visitor."
_SALT, _TOKEN_SALT = "mmchat.visitor", "mmchat.visitor.token"


def visitor_key(request: HttpRequest) -> uuid.UUID | None:
    """Give the visitor's key, or None for a request without a cookie or token that this site signed."""
    if has_token(request):
        return key_in_token(request.headers[HEADER])
    return key_in_cookie(request.COOKIES.get(COOKIE, ""))


def key_in_scope(scope: dict) -> uuid.UUID | None:
    """Give the visitor's key from the handshake of a socket: in a token if it offers one, else in the cookie."""
    token = token_in_scope(scope)
    if token is not None:
        return key_in_token(token)
    return key_in_cookie(scope.get("cookies", {}).get(COOKIE, ""))


def key_in_cookie(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(signing.Signer(salt=_SALT).unsign(value))
    except (signing.BadSignature, ValueError):
        return None


def has_token(request: HttpRequest) -> bool:
    """Tell whether a request comes with a token, valid or not; then cookies say nothing."""
    return HEADER in request.headers


def token_in_scope(scope: dict) -> str | None:
    """Give the token that a socket's handshake offers, valid or not."""
    offered = (
        name.removeprefix(_OFFERED) for name in scope.get("subprotocols", ()) if name.startswith(_OFFERED)
    )
    return next(offered, None)


def key_in_token(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(signing.Signer(salt=_TOKEN_SALT, sep=".").unsign(value))
    except (signing.BadSignature, ValueError):
        return None


def token_for(key: uuid.UUID) -> str:
    """Give the token that makes its holder this visitor; a cookie can't be used as one, nor one as a cookie."""
    return signing.Signer(salt=_TOKEN_SALT, sep=".").sign(str(key))


def cookie_for(key: uuid.UUID) -> str:
    """Give the value of the cookie that makes its holder this visitor."""
    return signing.Signer(salt=_SALT).sign(str(key))


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Set the cookie on a page: the same key for longer, or a new one for who is new or has deleted everything."""
    key = visitor_key(request)
    if key is None or Visitor.objects.filter(pk=key, deleted__isnull=False).exists():
        key = uuid.uuid4()
    _set_cookie(response, key)


def forget(response: HttpResponse) -> None:
    """Make somebody new of the visitor who gets this response."""
    _set_cookie(response, uuid.uuid4())


def _set_cookie(response: HttpResponse, key: uuid.UUID) -> None:
    response.set_cookie(
        COOKIE,
        cookie_for(key),
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def request_address(request: HttpRequest) -> Address | None:
    return client_address(*_way(request))


def comes_from(request: HttpRequest, networks: Iterable[Network]) -> bool:
    """Tell whether a request surely comes from one of `networks`."""
    return addresses.comes_from(networks, *_way(request))


def _way(request: HttpRequest) -> tuple[str, str]:
    return request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", "")


def scope_address(scope: dict) -> Address | None:
    client = scope.get("client") or ("", 0)
    forwarded = [
        value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"
    ]
    return client_address(client[0], ",".join(forwarded))


def ensure_visitor(key: uuid.UUID, address: Address | None, lock: bool = False) -> Visitor:
    """Give the visitor's row, making it at the first message or upload; with `lock` held until the commit."""
    found = Visitor.objects.with_blocked().filter(key=key)
    if lock:
        found = found.select_for_update(no_key=True)
    visitor = found.first()
    if visitor is None:
        new = Visitor(key=key)
        address_keys.note(new, address)
        try:
            with transaction.atomic():
                new.save(force_insert=True)
        except IntegrityError:
            return found.get()  # two tabs sent their first message at once; the row is the first one's
        new.is_blocked = False  # a block names a row, and this one has just been made
        return new
    if address is not None and not address_keys.is_noted(visitor):
        address_keys.note(visitor, address)
        visitor.save(update_fields=["address", "address_hash", "address_noted"])
    return visitor
