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
_ORIGIN = re.compile(r"https?://([a-zA-Z0-9.*-]+|\[[0-9a-fA-F:]+\])(:\d+)?")
_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")


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
    folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secret := secrets.token_urlsafe(50))
    return secret


def derived_secret(secret_key: str, purpose: str) -> str:
    """Give a secret for one purpose that tells nothing about the key it comes from."""
    return hmac.new(secret_key.encode(), f"mmchat {purpose}".encode(), hashlib.sha256).hexdigest()[:32]


def public_origin(url: str) -> tuple[str, str]:
    """Split the public address into origin (`scheme://host[:port]`) and host; both empty for no address."""
    if not url:
        return "", ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"MMCHAT_URL is {url!r}; it must be http:// or https:// and a host, with no path."
        )
    return f"{parts.scheme}://{parts.netloc}", parts.hostname


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
    try:
        settings: dict[str, Any] = env.db_url(name, default)
    except (ValueError, environ.ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"{name} can't be read: {error}") from None
    if settings.get("ENGINE") not in _ENGINES:
        raise ImproperlyConfigured(f"{name} must begin with sqlite:/// or postgres://.")
    return settings


def own_hosts() -> list[str]:
    """List the names and addresses by which this machine reaches itself, without asking the network."""
    hosts = {"localhost", "127.0.0.1", "[::1]", socket.gethostname().lower()}
    # Connecting a datagram socket sends nothing; it makes the kernel choose the address it would use.
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                address = probe.getsockname()[0]
        except OSError:
            continue
        hosts.add(f"[{address}]" if family == socket.AF_INET6 else address)
    return sorted(hosts)


def networks(name: str, values: list[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Parse networks in CIDR form; an error names the setting `name`."""
    try:
        return [ipaddress.ip_network(value, strict=False) for value in values]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None
