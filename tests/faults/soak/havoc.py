"""What breaks during a soak, one thing after the other, each mended before the next."""

import asyncio
import contextlib
import random
import time
from collections import Counter

import psutil
import psycopg

from tests.faults.proxy import FaultProxy
from tests.running import DemoWorker, wait_until

LONGEST_LOCK = 3  # seconds; the site waits ten for its database


class Balancer(FaultProxy):
    """Stand before several processes; each connection goes to one of those that accept any."""

    def __init__(self, ports: list[int], own_port: int) -> None:
        super().__init__("127.0.0.1", ports[0], own_port)
        self._ports = ports

    async def connect(self):
        for port in random.sample(self._ports, len(self._ports)):
            with contextlib.suppress(ConnectionRefusedError):
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError


class Havoc:
    """The parts of a site that can break. `happened` counts what did."""

    def __init__(self, nodes, balancer: Balancer, worker_options: tuple[str, ...]) -> None:
        self._nodes, self._balancer, self._worker_options = nodes, balancer, worker_options
        self._database = nodes.sites[0].environment["DATABASE_URL"].replace("postgres://", "postgresql://")
        self.happened: Counter[str] = Counter()
        self.kinds = {
            "connections cut": balancer.reset,
            "worker killed": self._kill_worker,
            "process killed": self._kill_process,
            "Redis restarted": nodes.redis.restart,
            "Redis flushed": lambda: nodes.redis.command("FLUSHALL"),
            "database locked": self._lock_database,
            "database connections ended": self._end_connections,
            "decoder killed": self._kill_decoder,
        }

    async def rage(self, seconds: float, pause: float) -> None:
        """Break things for so long, some `pause` seconds apart; each kind as often as the others, and once at least."""
        deck: list[str] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end or len(self.happened) < len(self.kinds):
            await asyncio.sleep(pause * random.uniform(0.2, 1.8))
            deck = deck or random.sample(sorted(self.kinds), len(self.kinds))
            kind = deck.pop()
            await asyncio.to_thread(self.kinds[kind])
            self.happened[kind] += 1

    def _kill_worker(self) -> None:
        self._nodes.worker.stop()
        known = self._workers()
        self._nodes.worker = DemoWorker(self._nodes.sites[0], *self._worker_options)
        wait_until(lambda: self._workers() - known, 30, "a worker in its place")

    def _workers(self) -> set[str]:
        return {address for (address,) in self._nodes.books.rows("SELECT address FROM chat_worker")}

    def _kill_process(self) -> None:
        site = random.choice(self._nodes.sites)
        site.kill()
        site.start()

    def _lock_database(self) -> None:
        """Let nobody read or write messages for a moment, as a machine does that is busy with something else."""
        with psycopg.connect(self._database) as connection:
            connection.execute("LOCK TABLE chat_message IN ACCESS EXCLUSIVE MODE")
            connection.execute("SELECT pg_sleep(%s)", [random.uniform(0.5, LONGEST_LOCK)])

    def _end_connections(self) -> None:
        """End all connections to the database, as its restart does."""
        with psycopg.connect(self._database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def _kill_decoder(self) -> None:
        decoders = [each for site in self._nodes.sites for each in decoders_of(site)]
        if decoders:
            random.choice(decoders).kill()


def decoders_of(site) -> list[psutil.Process]:
    """Give the processes of a site that decode pictures."""
    found = []
    for child in psutil.Process(site.process.pid).children():
        with contextlib.suppress(psutil.Error):
            if any("decode.py" in word for word in child.cmdline()):
                found.append(child)
    return found
