"""Keep the site from being sent into networks where no worker should be."""

import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from .errors import WorkerAddressForbidden, WorkerUnknownHost

Network = IPv4Network | IPv6Network

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
# How the last label looks when a program may read an IPv4 address: 2130706433, 0x7f000001, 127.1, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")

_NEVER = tuple(
    ip_network(text)
    for text in (
        # Link-local, where clouds answer their machines: credentials, keys, user data.
        "169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128",
        "0.0.0.0/8", "::/128", "224.0.0.0/4", "ff00::/8",
    )
)  # fmt: skip


def check_address(url: str, networks: Iterable[Network]) -> None:
    """Refuse a worker's base URL unless its host resolves only into the allowed networks.

    Raises WorkerAddressForbidden, also for anything that two programs could read differently: user names,
    queries, spellings of an IPv4 address other than the dotted one, hosts that are not ASCII. Raises
    WorkerUnknownHost for a name that does not resolve. Asks the resolver, so it blocks: keep it off the event
    loop.

    The name is resolved again when the connection is made and could by then have another address (DNS
    rebinding). Where names are not under your own control, allow literal addresses only, or check right
    before each use; either way redirects stay off.
    """
    host, port = _host_and_port(url)
    allowed = list(networks)
    for address in _resolve(host, port):
        if not any(address in network for network in allowed):
            raise WorkerAddressForbidden(f"{url!r} leads to {address}, outside the allowed networks")


def objection_to(url: str) -> str | None:
    """Tell what is wrong with how a base URL is written, None when nothing is; asks no resolver."""
    try:
        _host_and_port(url)
    except WorkerAddressForbidden as error:
        return error.detail
    return None


def check_backend_address(url: str, networks: Iterable[Network]) -> None:
    """Refuse the address of a backend unless it is in the allowed networks, or public and reached by https.

    Where clouds keep the secrets of their machines is refused, whatever is allowed. Raises what `check_address`
    does, for the same reasons, and blocks as well.
    """
    host, port = _host_and_port(url)
    allowed = list(networks)
    secure = urlsplit(url).scheme == "https"
    for address in _resolve(host, port):
        if any(address in network for network in _NEVER):
            raise WorkerAddressForbidden(f"{url!r} leads to {address}, where no backend may be")
        if any(address in network for network in allowed):
            continue
        if not address.is_global:
            raise WorkerAddressForbidden(f"{url!r} leads to {address}, outside the allowed networks")
        if not secure:
            raise WorkerAddressForbidden(f"{url!r} leads to {address}, which is public: use https")


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise WorkerAddressForbidden(f"{url!r}: {error}") from None
    if reason := _objection(url, parts, host):
        raise WorkerAddressForbidden(f"{url!r}: {reason}")
    return host, port or (443 if parts.scheme == "https" else 80)


def _objection(url: str, parts: SplitResult, host: str) -> str | None:
    if parts.scheme not in ("http", "https"):
        return "neither http nor https"
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return "holds characters that no address needs"
    if "@" in parts.netloc:
        return "holds a user name"
    if "?" in url or "#" in url:
        return "holds a query or a fragment"
    if not _HOST.fullmatch(host):
        return "names no host"
    if ":" not in host and _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) and not _is_dotted(host):
        return "spells an IPv4 address oddly"
    return None


def _is_dotted(host: str) -> bool:
    try:
        return str(IPv4Address(host)) == host
    except ValueError:
        return False


def _resolve(host: str, port: int) -> set[IPv4Address | IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A label that is too long for IDNA is a UnicodeError.
    except (OSError, UnicodeError) as error:
        raise WorkerUnknownHost(f"{host}: {error}") from error
    return {_plain(str(sockaddr[0])) for *_, sockaddr in found}


def _plain(text: str) -> IPv4Address | IPv6Address:
    """Return an address without its zone; an IPv4 address inside IPv6 counts as what it leads to."""
    address = ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address
