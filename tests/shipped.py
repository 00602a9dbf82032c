"""Run the proxies under the files in deploy/, with the ports and folders of a test put in."""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import requests

from tests import parts
from tests.running import ROOT, free_port, wait_until

DEPLOY = ROOT / "deploy"


def nginx_file(folder: Path, port: int, sites: Sequence[int]) -> str:
    """Give deploy/nginx.conf with ports and folders of a test, and without TLS. All limits and time-outs stay.

    Each place that is replaced must be there exactly so often, so that the file can't change unnoticed.
    """
    text = (DEPLOY / "nginx.conf").read_text()
    servers = re.findall(r"server 127\.0\.0\.1:\d+ (max_fails=0);", text)
    assert len(servers) == 2
    own = "".join(f"server 127.0.0.1:{site} {servers[0]};\n" for site in sites)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds if kind != "proxy")
    changes = [
        (r"^user www-data;\n", "user root;\n" if os.geteuid() == 0 else "", 1),
        (r"^worker_rlimit_nofile \d+;.*\n", "", 1),  # a user of their own may not raise it
        (r"/run/nginx\.pid", f"{folder}/nginx.pid", 1),
        (r"/var/log/nginx", str(folder), 2),
        (r"/var/cache/nginx/mmchat", f"{folder}/cache", 1),
        (r"^http \{\n", f"http {{\n{temporary}proxy_temp_path {folder}/proxy;\n", 1),
        (r"( *server 127\.0\.0\.1:\d+ .*\n){2}", own, 1),
        # The server of port 80, which only redirects; the other speaks plain HTTP on a port of the test.
        (r"    server \{\n        listen 80 .*\n        listen .*\n        return 308 .*\n    \}\n", "", 1),
        (r"listen 443 ssl http2 default_server;", f"listen 127.0.0.1:{port} default_server;", 1),
        (r" *listen \[::\]:443 .*\n", "", 1),
        (r" *ssl_\w+ .*\n", "", 4),
    ]
    for pattern, replacement, times in changes:
        text, found = re.subn(pattern, replacement, text, flags=re.M)
        assert found == times, f"{pattern}: found {found} times in deploy/nginx.conf"
    return text


@contextlib.contextmanager
def nginx(folder: Path, sites: Sequence[int], port: int | None = None) -> Iterator[str]:
    """Run nginx in front of sites on these ports; give its address."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    file = folder / "nginx.conf"
    file.write_text(nginx_file(folder, port, sites))
    with (folder / "nginx.out").open("ab") as out:
        process = subprocess.Popen(
            [
                parts.nginx(),
                "-p",
                str(folder),
                "-e",
                str(folder / "error.log"),
                "-c",
                str(file),
                "-g",
                "daemon off;",
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _when_up(process, f"http://127.0.0.1:{port}", folder)
    finally:
        process.terminate()
        process.wait(10)


def caddy_file(port: int) -> str:
    """Give deploy/Caddyfile for plain HTTP on a port of a test. All limits and time-outs stay."""
    text = (DEPLOY / "Caddyfile").read_text()
    changes = [
        (r"^\{\n\tservers \{\n", "{\n\tadmin off\n\tservers {\n"),
        (r"^\{\$MMCHAT_DOMAIN:localhost\} \{\n", f"http://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n"),
    ]
    for pattern, replacement in changes:
        text, found = re.subn(pattern, replacement, text, flags=re.M)
        assert found == 1, f"{pattern}: found {found} times in deploy/Caddyfile"
    return text


@contextlib.contextmanager
def caddy(folder: Path, sites: Sequence[int], port: int, inside: str = "127.0.0.0/8") -> Iterator[str]:
    """Run Caddy in front of sites on these ports; give its address. `inside` may use /workers/ and /metrics."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Caddyfile").write_text(caddy_file(port))
    environment = {
        **os.environ,
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "MMCHAT_DOMAIN": f"127.0.0.1:{port}",
        "MMCHAT_UPSTREAMS": " ".join(f"127.0.0.1:{site}" for site in sites),
        "MMCHAT_INSIDE": inside,
    }
    command = [parts.caddy(), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with (folder / "error.log").open("ab") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield _when_up(process, f"http://127.0.0.1:{port}", folder)
    finally:
        process.terminate()
        process.wait(20)


def _when_up(process: subprocess.Popen, url: str, folder: Path) -> str:
    def answers() -> bool:
        if process.poll() is not None:
            raise AssertionError(
                "".join(file.read_text() for file in folder.glob("*.*") if file.suffix in (".out", ".log"))
            )
        with contextlib.suppress(requests.ConnectionError):
            return bool(requests.get(f"{url}/healthz", timeout=5).status_code)
        return False

    wait_until(answers, 20, "nginx")
    return url
