"""Read what the host set in the environment, and refuse what would be unsafe or unclear."""

import hashlib
import hmac
import ipaddress
import math
import os
import re
import secrets
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_SWITCH = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
WILDCARDS = ("", "0.0.0.0", "::")  # noqa: S104 - recognised, not listened on  # nosec B104
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_PATH = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
OWN_PATHS = {
    "announcements", "api", "c", "colours", "consent", "embed", "examples", "feedback", "healthz", "history",
    "images", "language", "logo", "metrics", "models", "own-data", "privacy", "readyz", "receipt", "replies",
    "s", "static", "uploads", "workers", "ws",
}  # fmt: skip
_ORIGIN = re.compile(r"https?://([a-zA-Z0-9.*-]+|\[[0-9a-fA-F:]+\])(:\d+)?")


def whole_number(env: environ.Env, name: str, default: int) -> int:
    """Read a whole number of 0 or more; an error names the variable."""
    text = env.str(name, str(default)).strip()
    if not text.isdecimal():
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be a whole number of 0 or more.")
    return int(text)


def number(env: environ.Env, name: str, default: float) -> float:
    """Read a number above 0; an error names the variable."""
    text = env.str(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be a number above 0.")
    return value


def switch(env: environ.Env, name: str, default: bool) -> bool:
    """Read on or off; an error names the variable."""
    text = env.str(name, "on" if default else "off").strip().lower()
    if text not in _SWITCH:
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be on or off.")
    return _SWITCH[text]


def secret_in(folder: Path) -> str:
    """Give the secret key kept in `folder`, making it at the first start.

    The file is created exclusively, so that two processes that start together agree on one key.
    """
    path = folder / "secret_key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text().strip()
        with os.fdopen(descriptor, "w") as file:
            file.write(secret := secrets.token_urlsafe(50))
    except OSError as error:
        raise ImproperlyConfigured(f"MMCHAT_DATA_DIR: {path}: {error.strerror}") from None
    return secret


def derived_secret(secret_key: str, purpose: str) -> str:
    """Give a secret for one purpose that tells nothing about the key it comes from."""
    return hmac.new(secret_key.encode(), f"mmchat {purpose}".encode(), hashlib.sha256).hexdigest()[:32]


def public_origin(url: str) -> tuple[str, str]:
    """Give the origin of the public address as browsers send it, and its host; both empty for no address.

    Browsers write scheme and host in small letters and leave out the scheme's own port. A host that is an IPv6
    address comes in brackets.
    """
    if not url:
        return "", ""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    host = parts.hostname or ""
    plain = parts.path.strip("/") == parts.query == parts.fragment == "" and "@" not in parts.netloc
    if parts.scheme not in _PORTS or not plain or port == -1 or not _HOST.fullmatch(host):
        raise ImproperlyConfigured(
            f"MMCHAT_URL is {url!r}; it must be http:// or https:// and a host, with no path."
        )
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port in (None, _PORTS[parts.scheme]) else f":{port}"), host


def path(env: environ.Env, name: str, default: str) -> str:
    """Read where below the site something is, without slashes around it; an error names the variable."""
    value = env.str(name, default).strip("/")
    if not _PATH.fullmatch(value) or value.split("/")[0] in OWN_PATHS:
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must be of letters, digits, - and _, and no address that the site has."
        )
    return value


def web_address(env: environ.Env, name: str, default: str) -> str:
    """Read an http(s) address, or nothing; an error names the variable."""
    url = env.str(name, default).rstrip("/")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise ImproperlyConfigured(
            f"{name} is {url!r}; it must begin with http:// or https:// and name a host."
        )
    return url


def origins(env: environ.Env, name: str, default: list[str]) -> list[str]:
    """Read a list of origins (`https://host[:port]`); they become part of a header, so nothing else may be in it."""
    values = [value.rstrip("/") for value in env.list(name, default=default)]
    for value in values:
        if not _ORIGIN.fullmatch(value):
            raise ImproperlyConfigured(f"{name} holds {value!r}; each must be like https://example.org.")
    return values


def database(env: environ.Env, name: str, default: str) -> dict[str, Any]:
    """Read an address as Django's settings of a database; an error names the variable."""
    if not env.str(name, default).startswith(("sqlite:", "postgres:", "postgresql:")):
        raise ImproperlyConfigured(f"{name} must begin with sqlite:/// or postgres://.")
    try:
        settings: dict[str, Any] = env.db_url(name, default)
    except (ValueError, environ.ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"{name} can't be read: {error}") from None
    return settings


def own_hosts(listens_on: str) -> list[str]:
    """List the names and addresses by which this machine reaches itself, without asking the network.

    `listens_on` is one of them, unless it is a wildcard.
    """
    hosts = {"localhost", "127.0.0.1", "[::1]", socket.gethostname().lower()}
    if listens_on not in WILDCARDS:
        hosts.add(in_url(listens_on))
    # Connecting a datagram socket sends nothing; it makes the kernel choose the address it would use.
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                hosts.add(in_url(probe.getsockname()[0]))
        except OSError:
            continue
    return sorted(hosts)


def in_url(host: str) -> str:
    """Write a host as addresses of the web do: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host.lower()


def networks(name: str, values: list[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Parse networks in CIDR form; an error names the setting `name`."""
    try:
        return [ipaddress.ip_network(value, strict=False) for value in values]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None
