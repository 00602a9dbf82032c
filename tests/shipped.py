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


def _when_up(process: subprocess.Popen, url: str, folder: Path) -> str:
    def answers() -> bool:
        if process.poll() is not None:
            raise AssertionError((folder / "nginx.out").read_text() + (folder / "error.log").read_text())
        with contextlib.suppress(requests.ConnectionError):
            return bool(requests.get(f"{url}/healthz", timeout=5).status_code)
        return False

    wait_until(answers, 20, "nginx")
    return url
