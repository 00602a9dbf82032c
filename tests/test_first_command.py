"""The README's first command, on a clone in an empty folder, ends in a page that answers."""

import os
import re
import signal
import subprocess

import requests

from tests.running import ROOT, free_port, wait_until


def test_make_serve_on_a_fresh_clone_opens_the_site_with_its_demo_worker(tmp_path):
    clone = tmp_path / "mmchat"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", str(clone)], check=True)
    first = re.search(r"^```\w*\n\s*(make \S+)", (clone / "README.md").read_text(), re.M).group(1)
    assert first == "make serve"
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MMCHAT_", "DATABASE_", "DJANGO_"))
    }
    log = tmp_path / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            first.split(),
            cwd=clone,
            env={**kept, "MMCHAT_PORT": str(free_port()), "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:

        def address() -> str | None:
            assert process.poll() is None, log.read_text()
            found = re.search(r"mmchat is at\s+(http://127\.0\.0\.1:\d+)/", log.read_text())
            return found and found.group(1)

        url = wait_until(address, 300, "the address")

        def listed() -> bool:
            try:
                return requests.get(f"{url}/models/", timeout=2).json()["available"]
            except (requests.ConnectionError, requests.Timeout):
                return False

        wait_until(listed, 60, "the demo worker")
        assert "mmchat" in requests.get(f"{url}/", timeout=10).text
        assert "password" in log.read_text()
        assert (clone / "data" / "mmchat.sqlite3").exists()
        changed = subprocess.run(
            ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
        )
        assert changed.stdout == ""
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
