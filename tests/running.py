"""Run the real site in processes of its own: `manage.py serve`, the server that ships."""

import atexit
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=30.0, what="it"):
    """Wait until `condition()` gives something true, and give that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


class Site:
    """One running site with a data folder of its own."""

    collected: Path | None = None
    migrated: Path | None = None

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.options = options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MMCHAT_")},
            "MMCHAT_DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "mmchat_site.settings",
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        if "DATABASE_URL" not in (environment or {}):
            self.environment.pop("DATABASE_URL", None)
        self.process: subprocess.Popen | None = None

    @property
    def log(self) -> str:
        path = self.folder / "serve.log"
        return path.read_text() if path.exists() else ""

    def start(self, wait: bool = True) -> "Site":
        self.folder.mkdir(parents=True, exist_ok=True)
        if Site.collected and not (self.folder / "static").exists():
            # Compressing the static files takes seconds; what one site collected is right for all.
            shutil.copytree(Site.collected, self.folder / "static", copy_function=shutil.copy2)
        if "DATABASE_URL" not in self.environment and not (self.folder / "mmchat.sqlite3").exists():
            # Making the tables takes seconds, too; each site begins with a copy of what migrating made once.
            self.begin_with_tables()
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "manage.py",
                    "serve",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    str(self.port),
                    *self.options,
                ],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if wait:
            self.wait_ready()
            self._keep_collected()
        return self

    def _keep_collected(self) -> None:
        if Site.collected is None:
            Site.collected = Path(tempfile.mkdtemp(prefix="mmchat-static-"))
            atexit.register(shutil.rmtree, Site.collected, ignore_errors=True)
            shutil.copytree(self.folder / "static", Site.collected, dirs_exist_ok=True)

    def begin_with_tables(self) -> None:
        """Give a site on SQLite its tables: a copy of what migrating made once."""
        shutil.copy2(Site.migrated or self._keep_migrated(), self.folder / "mmchat.sqlite3")

    def _keep_migrated(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="mmchat-tables-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        made = Site(folder).manage("migrate")
        assert made.returncode == 0, made.stderr
        Site.migrated = folder / "mmchat.sqlite3"
        return Site.migrated

    def wait_ready(self, seconds: float = 60) -> None:
        def ready() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"the site ended with {self.process.returncode}:\n{self.log}")
            try:
                return requests.get(f"{self.url}/readyz", timeout=2).ok
            except (requests.ConnectionError, requests.Timeout):
                return False

        wait_until(ready, seconds, "the site")

    def wait_for_model(self, name: str | None = None, seconds: float = 30) -> str:
        """Wait until a model can be picked; give its name."""

        def listed() -> str | None:
            names = [model["name"] for model in requests.get(f"{self.url}/models/", timeout=5).json()["list"]]
            return next((found for found in names if name in (None, found)), None)

        return wait_until(listed, seconds, f"a model{f' named {name}' if name else ''}")

    def stop(self, seconds: float = 30) -> int:
        """End the site as a supervisor does; give its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def rows(self, sql: str, *values) -> list[tuple]:
        """Read the site's SQLite file from outside."""
        named = self.environment.get("DATABASE_URL", "").removeprefix("sqlite:///")
        with sqlite3.connect(named or self.folder / "mmchat.sqlite3", timeout=20) as connection:
            return connection.execute(sql, values).fetchall()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class DemoWorker:
    """A demo worker in a process of its own, registered with a site's built-in controller."""

    def __init__(self, site: Site, *options: str, name: str = "llava-v1.5-demo") -> None:
        secret = site.environment.get("MMCHAT_WORKER_SECRET") or _secret_of(site)
        self.site = site
        self.name = name
        self.log = (site.folder / f"worker-{free_port()}.log").open("ab")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "chat.demo",
                "--controller-address",
                f"{site.url}/workers/{secret}",
                "--model-name",
                name,
                *options,
            ],
            cwd=ROOT,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> str:
        return self.site.wait_for_model(self.name)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()


def _secret_of(site: Site) -> str:
    program = "from django.conf import settings as s; print(s.MMCHAT_WORKER_SECRET)"
    return site.manage("shell", "-v", "0", "-c", program).stdout.strip()
