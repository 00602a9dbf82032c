"""Run several processes of one site with ports of their own, as several machines would."""

import contextlib
import uuid
from types import SimpleNamespace
from urllib.parse import urlsplit

import psycopg

from tests import parts
from tests.faults.invariants import Books
from tests.running import DemoWorker, Site


@contextlib.contextmanager
def own_database():
    """Give the address of a database of our own on PostgreSQL."""
    name = f"mmchat_faults_{uuid.uuid4().hex[:8]}"
    with parts.postgresql() as url:
        _sql(url, f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            _sql(url, f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def own_services():
    """Give the environment of a site with a Redis and a database of its own."""
    with parts.redis() as redis, own_database() as database:
        yield {"REDIS_URL": redis, "DATABASE_URL": database}


@contextlib.contextmanager
def several_nodes(folder, number: int, rate: int, places: int = 200, **settings: str):
    """Run `number` processes and a worker of `rate` tokens a second that answers `places` requests at once."""
    with contextlib.ExitStack() as stack:
        environment = {**stack.enter_context(own_services()), **settings}
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
        yield SimpleNamespace(sites=sites, model=worker.name, books=Books(sites[0]))


def _sql(url: str, statement: str) -> None:
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        connection.execute(statement)
