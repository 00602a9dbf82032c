"""Run several processes of one site with ports of their own, as several machines would."""

import atexit
import contextlib
import os
import subprocess
import sys
import uuid
from types import SimpleNamespace
from urllib.parse import urlsplit

import psycopg
import redis

from tests import parts
from tests.faults.invariants import Books
from tests.running import DemoWorker, Site

# Making the tables takes seconds; each database begins as a copy of what migrating made once for its server.
_migrated: dict[str, str] = {}


@contextlib.contextmanager
def own_database():
    """Give the address of a database of our own on PostgreSQL, with the site's tables."""
    with parts.postgresql() as url:
        if url not in _migrated:
            _migrated[url] = _made(url)
            atexit.register(_forget, url)
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(
                migrate,
                cwd=parts.ROOT,
                env={**os.environ, "DATABASE_URL": _at(url, _migrated[url])},
                check=True,
            )
        name = _made(url, f"TEMPLATE {_migrated[url]}")
        try:
            yield _at(url, name)
        finally:
            _drop(url, name)


class RedisServer:
    """A Redis of a test's own, which can be started again at its port."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._running = stack.enter_context(contextlib.ExitStack())
        self.url = self._running.enter_context(parts.redis())

    def restart(self) -> None:
        self._running.close()
        self._running.enter_context(parts.redis(urlsplit(self.url).port))

    def command(self, *words) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.execute_command(*words)


@contextlib.contextmanager
def own_services():
    """Give the environment of a site with a Redis and a database of its own."""
    with contextlib.ExitStack() as stack:
        server = RedisServer(stack)
        yield {"REDIS_URL": server.url, "DATABASE_URL": stack.enter_context(own_database())}


@contextlib.contextmanager
def several_nodes(folder, number: int, rate: int, places: int = 200, **settings: str):
    """Run `number` processes and a worker of `rate` tokens a second that answers `places` requests at once."""
    with contextlib.ExitStack() as stack:
        server = RedisServer(stack)
        database = stack.enter_context(own_database())
        environment = {"REDIS_URL": server.url, "DATABASE_URL": database, **settings}
        sites = [Site(folder, environment=environment) for _ in range(number)]
        for site in sites:
            stack.callback(site.kill)
            site.start()
        worker = DemoWorker(
            sites[0], "--rate", str(rate), "--limit-model-concurrency", str(places), "--allow-fault-requests"
        )
        stack.callback(worker.stop)
        for site in sites:
            site.wait_for_model(worker.name)
        yield SimpleNamespace(
            sites=sites, model=worker.name, books=Books(sites[0]), redis=server, worker=worker
        )


def _made(url: str, how: str = "") -> str:
    name = f"mmchat_faults_{uuid.uuid4().hex[:8]}"
    _sql(url, f"CREATE DATABASE {name} {how}")
    return name


def _forget(url: str) -> None:
    with contextlib.suppress(psycopg.OperationalError):  # a server of the tests' own has ended before
        _drop(url, _migrated.pop(url))


def _drop(url: str, name: str) -> None:
    _sql(url, f"DROP DATABASE {name} WITH (FORCE)")


def _at(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _sql(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute(statement)
