"""Who is asking: the address of a client, behind trusted proxies only."""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable

from django.conf import settings

_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d+|\[([0-9a-fA-F:.]+)\](?::\d+)?")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(peer: str, forwarded_for: str) -> Address | None:
    """Give the rightmost hop of `X-Forwarded-For` that is no trusted proxy, or the peer itself.

    `peer` is the address of the connection. The header is believed only where that is a trusted proxy, and only
    up to the first hop that can't be read: what stands left of it may be the client's own invention.
    An IPv6 address comes back as the first of its /64, which is what one subscriber holds.
    """
    address, _ = _client(peer, forwarded_for)
    if isinstance(address, ipaddress.IPv6Address):
        return ipaddress.ip_network((address, 64), strict=False)[0]
    return address


def comes_from(networks: Iterable[Network], peer: str, forwarded_for: str) -> bool:
    """Tell whether a client is in one of `networks`.

    False for whoever comes through a proxy that is not trusted or can't name its client: the proxy's own address
    is often loopback, and says nothing of who asks.
    """
    address, is_the_clients = _client(peer, forwarded_for)
    return address is not None and is_the_clients and any(address in network for network in networks)


def _client(peer: str, forwarded_for: str) -> tuple[Address | None, bool]:
    """Give the nearest address that is no trusted proxy, and whether no hop stands behind it."""
    address = _parse(peer)
    hops = [hop.strip() for hop in forwarded_for.split(",")] if forwarded_for else []
    is_the_clients = not hops or _trusted(address)
    while hops and _trusted(address):
        hop = _parse(hops.pop())
        if hop is None:
            return address, False
        address = hop
    return address, is_the_clients


def keyed_hash(address: Address | None) -> str:
    """Hash an address with the site's key, so that it can be compared but not read. 64 hexadecimal digits."""
    return "" if address is None else hash_of_text(str(address))


def hash_of_text(text: str) -> str:
    """Hash what another server took for an address, as `keyed_hash` does."""
    key = f"mmchat addresses {settings.SECRET_KEY}".encode()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _parse(text: str) -> Address | None:
    """Read an address, also with a port behind it, as some proxies write hops."""
    with_port = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(with_port.group(1) or with_port.group(2) if with_port else text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _trusted(address: Address | None) -> bool:
    return address is not None and any(address in network for network in settings.MMCHAT_TRUSTED_PROXIES)
