"""A public address for a site on a machine that has none: `serve --share`.

The tunnel has a port of its own on the loopback, so that what comes through it is known whatever it says of itself.
"""

import contextlib
import ipaddress
import logging
import queue
import re
import shlex
import shutil
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError

from mmchat_site import startup

log = logging.getLogger(__name__)

ANSWER_SECONDS = 60
END_SECONDS = 5
NOWHERE = "-R 80:127.0.0.1:{port} nokey@localhost.run"
# What cloudflared and localhost.run say when a tunnel is there.
_SAID = re.compile(
    r"(https://[a-z0-9-]+\.trycloudflare\.com)|tunneled with tls termination, (https://[\w.-]+)"
)
# The client ends with this process, however that ends: then the pipe to its standard input closes.
_TOGETHER = 'exec 3<&0; "$@" <&3 & client=$!; (read -r _ <&3; kill $client) >/dev/null 2>&1 & wait $client'


@contextlib.contextmanager
def open_tunnel() -> Iterator[tuple[socket.socket, str]]:
    """Give a listening socket at the end of a tunnel, and the tunnel's public origin. Raises `CommandError`."""
    listener = startup.listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    command, ends = client(port), threading.Event()
    process = subprocess.Popen(
        ["/bin/sh", "-c", _TOGETHER, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",  # a server greets in whatever letters it likes
        start_new_session=True,  # Ctrl-C ends it after the site has drained, and not before
    )
    try:
        origin = _origin(process, command[0], ends)
        _let_in(origin, port)
        yield listener, origin
    finally:
        ends.set()
        listener.close()
        assert process.stdin
        process.stdin.close()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def client(port: int) -> list[str]:
    """Give the command that opens a tunnel to `port`: what the host chose, else cloudflared, else ssh."""
    chosen = settings.MMCHAT_SHARE_SSH
    if chosen and "{port}" not in chosen:
        # Another port is the site's own, at which the administration is open.
        raise CommandError(
            "MMCHAT_SHARE_SSH lacks {port}, where the tunnel has to end: -R 80:127.0.0.1:{port} …"
        )
    if not chosen and (cloudflared := shutil.which("cloudflared")):
        return [cloudflared, "tunnel", "--no-autoupdate", "--url", f"http://127.0.0.1:{port}"]
    ssh = shutil.which("ssh")
    if not ssh:
        raise CommandError(
            "--share needs cloudflared or ssh, and neither is installed; "
            "on Debian or Ubuntu `apt-get install openssh-client`."
        )
    options = [
        f"-o{option}"
        for option in (
            "BatchMode=yes",
            "ExitOnForwardFailure=yes",
            "ServerAliveInterval=30",
            "StrictHostKeyChecking=accept-new",
        )
    ]
    return [ssh, "-T", *options, *shlex.split((chosen or NOWHERE).replace("{port}", str(port)))]


def _origin(process: subprocess.Popen[str], program: str, ends: threading.Event) -> str:
    """Wait until the client says at which address the tunnel is."""
    said: deque[str] = deque(maxlen=3)
    found: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout
        with process.stdout as lines:
            for line in lines:
                said.append(line.strip())
                if match := _SAID.search(line):
                    found.put(match[1] or match[2])
        found.put("")
        if not ends.is_set():
            log.warning("the tunnel of --share has ended; start the site again for a new one")

    threading.Thread(target=read, name="mmchat-tunnel", daemon=True).start()
    try:
        origin = found.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        origin = ""
    if not origin:
        ends.set()
        last = " ".join(said)
        raise CommandError(f"--share: {program} has opened no tunnel: {last or 'it said nothing.'}")
    return origin


def _let_in(origin: str, port: int) -> None:
    """Let the site answer at the tunnel's address too, and believe what the tunnel says of who is at its other end."""
    settings.MMCHAT_SHARED_ORIGIN, settings.MMCHAT_SHARED_PORT = origin, port
    settings.ALLOWED_HOSTS.append(urlsplit(origin).netloc)
    settings.CSRF_TRUSTED_ORIGINS.append(origin)
    settings.MMCHAT_TRUSTED_PROXIES.append(ipaddress.ip_network("127.0.0.1/32"))
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
