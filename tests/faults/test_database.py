"""The database is locked, busy, restarted, out of connections, read-only or full: what was accepted is kept, and what
can't be stored is not accepted, by name, so that its draft stays on the page.
"""

import asyncio
import contextlib
import json
import random
import sqlite3
import string
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from chat.demo.showcase import asked_length
from tests.faults.conftest import LONG
from tests.faults.disks import small_disk
from tests.faults.invariants import Books, assert_nothing_leaks, assert_nothing_runs, assert_promises
from tests.faults.postgres import give_away, own_postgresql
from tests.faults.sites import RATE, running_site
from tests.running import ROOT, Site, wait_until
from tests.visitor import Page, Visitor

DISK_MEGABYTES = 48
SQLITE_PATIENCE = 20  # seconds that the site waits for a lock
LOCKED_SECONDS = 60 if LONG else 30
DATABASE = "mmchat"
PICTURE = (ROOT / "static" / "examples" / "shapes.png").read_bytes()


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory):
    """A site whose SQLite file is alone on a small disk."""
    folder = tmp_path_factory.mktemp("sqlite")
    with small_disk(folder / "disk", DISK_MEGABYTES) as disk:
        file = disk.folder / "mmchat.sqlite3"
        with running_site(folder / "site", DATABASE_URL=f"sqlite:///{file}") as found:
            found.disk, found.file = disk, file
            yield found


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory):
    """A site on a PostgreSQL of its own, where its database is alone on a small disk."""
    with own_postgresql() as server, small_disk(server.folder / "disk", DISK_MEGABYTES) as disk:
        give_away(disk.folder)
        server.rows(f"CREATE TABLESPACE small LOCATION '{disk.folder}'")
        server.rows(f"CREATE DATABASE {DATABASE} TABLESPACE small")
        with running_site(tmp_path_factory.mktemp("postgresql"), DATABASE_URL=server.url(DATABASE)) as found:
            found.disk, found.server = disk, server
            yield found


@pytest.fixture(params=["on_sqlite", "on_postgresql"])
def on_either(request):
    return request.getfixturevalue(request.param)


@contextlib.contextmanager
def locked(file):
    """Hold SQLite's only write lock."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=20)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def assert_not_accepted(site, page, refused: dict, client_id: str) -> None:
    """A message was refused by name, for the draft it came from, and nothing of it is stored."""
    assert (refused["type"], refused.get("code")) == ("error", "storage_unavailable"), refused
    assert refused["client_id"] == client_id
    assert site.books.count(client_id) == 0
    assert_nothing_leaks(page)


async def assert_complete(site, *seen: tuple[dict, Page]) -> None:
    """Every accepted message has its whole reply, and the promises hold for the page that saw it end."""
    for accepted, page in seen:
        stored = await asyncio.to_thread(assert_promises, site.books, page, accepted)
        assert stored.state == "complete"


def assert_pages_open(site, visitor: Visitor) -> None:
    for path in ("/", "/history/", "/models/"):
        assert visitor.http.get(site.url + path, timeout=15).status_code == 200, path


async def test_sqlite_locked_5_s_is_not_noticed(on_sqlite):
    visitor = await asyncio.to_thread(Visitor, on_sqlite.url)
    async with visitor.socket() as page, visitor.socket() as other:
        streaming = await page.ask(f"count to {3 * RATE}", on_sqlite.model)  # ends while it is locked
        await page.until_text(streaming["reply"])
        with locked(on_sqlite.file):
            sending = asyncio.create_task(other.ask("count to 5", on_sqlite.model, seconds=30))
            await asyncio.sleep(5)
            assert not sending.done()
        accepted = await sending
        assert accepted["type"] == "accepted", accepted
        await page.until_ended(streaming["reply"])
        await other.until_ended(accepted["reply"])
    await assert_complete(on_sqlite, (streaming, page), (accepted, other))


async def test_sqlite_locked_past_its_patience_refuses_the_message_and_keeps_the_replies(on_sqlite):
    visitor = await asyncio.to_thread(Visitor, on_sqlite.url)
    client_id = str(uuid.uuid4())
    async with visitor.socket() as page, visitor.socket() as long, visitor.socket() as other:
        under = await page.ask(f"count to {3 * RATE}", on_sqlite.model)
        over = await long.ask(f"count to {(LOCKED_SECONDS + 3) * RATE}", on_sqlite.model)
        await page.until_text(under["reply"])
        await long.until_text(over["reply"])
        with locked(on_sqlite.file):
            reading = [
                asyncio.create_task(page.until_ended(under["reply"], 120)),
                asyncio.create_task(long.until_ended(over["reply"], 120)),
            ]
            unlocked = asyncio.create_task(asyncio.sleep(LOCKED_SECONDS))
            refused = await other.ask("hello", on_sqlite.model, 2 * SQLITE_PATIENCE, client_id=client_id)
            assert_not_accepted(on_sqlite, other, refused, client_id)
            await asyncio.to_thread(assert_pages_open, on_sqlite, visitor)
            await unlocked
        again = await other.ask("hello", on_sqlite.model, client_id=client_id)
        assert again["type"] == "accepted", again
        await other.until_ended(again["reply"])
        await asyncio.gather(*reading)
    await assert_complete(on_sqlite, (under, page), (over, long), (again, other))
    assert on_sqlite.books.count(client_id) == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mmchat.sqlite3'}"
    server = request.getfixturevalue("on_postgresql").server
    server.rows("CREATE DATABASE writers")
    return server.url("writers")


def test_8_writers_of_500_rows_store_4000_of_4000(empty_database, tmp_path):
    many = {"MMCHAT_CONCURRENCY_COUNT": "1000", "MMCHAT_WORKER_CONCURRENCY": "1000", "MMCHAT_LIMITS": "off"}
    site = Site(tmp_path, environment={"DATABASE_URL": empty_database, **many})
    command = [sys.executable, "-m", "tests.faults.writers", "8", "500"]
    done = subprocess.run(
        command, cwd=ROOT, env=site.environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    written = [tuple(row) for row in json.loads(done.stdout)]
    rows = Books(site).rows("SELECT id, state, text FROM chat_message")
    assert len(rows) == len(written) == 4000
    assert {(uuid.UUID(str(key)).hex, *rest) for key, *rest in rows} == set(written)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_postgresql_restarted_in_the_middle_of_streams_loses_nothing(on_postgresql, mode):
    server, model = on_postgresql.server, on_postgresql.model
    visitor = await asyncio.to_thread(Visitor, on_postgresql.url)
    async with contextlib.AsyncExitStack() as sockets:
        pages = [await sockets.enter_async_context(visitor.socket()) for _ in range(4)]
        # Some end while it is away, some after.
        accepted = [await page.ask(f"count to {n * RATE}", model) for n, page in enumerate(pages[:3], 1)]
        for each, page in zip(accepted, pages, strict=False):
            await page.until_text(each["reply"])
        await asyncio.to_thread(server.stop, mode)
        sending = asyncio.create_task(pages[3].ask("count to 5", model, 30))
        reading = [
            asyncio.create_task(page.until_ended(each["reply"], 60))
            for each, page in zip(accepted, pages, strict=False)
        ]
        await asyncio.sleep(2)
        await asyncio.to_thread(server.start)
        asked = await sending
        assert asked["type"] == "accepted", asked
        await pages[3].until_ended(asked["reply"])
        await asyncio.gather(*reading)
    await assert_complete(on_postgresql, *zip([*accepted, asked], pages, strict=True))
    await asyncio.to_thread(assert_nothing_runs, on_postgresql.books)


async def test_a_pool_that_is_exhausted_costs_pages_only(on_postgresql):
    server, model = on_postgresql.server, on_postgresql.model
    visitor = await asyncio.to_thread(Visitor, on_postgresql.url)

    def stuck() -> int:
        sql = (
            f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{DATABASE}' AND wait_event_type = 'Lock'"
        )
        return server.rows(sql)[0][0]

    async with visitor.socket() as page:
        streaming = await page.ask(f"count to {3 * RATE}", model)
        await page.until_text(streaming["reply"])
        with ThreadPoolExecutor(8) as browsers, server.connect(DATABASE) as lock, lock.transaction():
            lock.execute("LOCK TABLE chat_sitetext IN ACCESS EXCLUSIVE MODE")
            # Each page takes a connection and waits; the two that replies and messages go by are taken for good.
            held = [browsers.submit(requests.get, on_postgresql.url, timeout=60) for _ in range(8)]
            await asyncio.to_thread(wait_until, lambda: stuck() == 8, 10, "pages that hold the pool")
            late = await asyncio.to_thread(requests.get, on_postgresql.url, timeout=30)
            assert late.status_code == 503
            assert "Traceback" not in late.text
            asked = await page.ask("count to 3", model)
            await page.until_ended(asked["reply"])
        assert {each.result().status_code for each in held} == {200}
    await asyncio.to_thread(assert_promises, on_postgresql.books, page, streaming)
    await asyncio.to_thread(assert_promises, on_postgresql.books, page, asked)
    await asyncio.to_thread(assert_pages_open, on_postgresql, visitor)


@contextlib.contextmanager
def no_new_connections(server):
    """End a site's connections, and let it have no others, as where somebody else has taken them all."""
    server.rows(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS false")
    try:
        server.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'")
        yield
    finally:
        server.rows(f"ALTER DATABASE {DATABASE} ALLOW_CONNECTIONS true")


async def test_a_server_that_takes_no_connection_refuses_the_message_by_name(on_postgresql):
    server, model = on_postgresql.server, on_postgresql.model
    visitor = await asyncio.to_thread(Visitor, on_postgresql.url)
    client_id = str(uuid.uuid4())
    async with visitor.socket() as page, visitor.socket() as other:
        streaming = await page.ask(f"count to {2 * RATE}", model)
        await page.until_text(streaming["reply"])
        with no_new_connections(server):
            refused = await other.ask("hello", model, 40, client_id=client_id)
        await asyncio.to_thread(assert_not_accepted, on_postgresql, other, refused, client_id)
        again = await other.ask("hello", model, client_id=client_id)
        await other.until_ended(again["reply"])
        await page.until_ended(streaming["reply"], 60)
    await assert_complete(on_postgresql, (streaming, page), (again, other))


async def test_a_read_only_database_refuses_what_it_can_not_store_and_pages_open(on_postgresql):
    model = on_postgresql.model
    visitor = await asyncio.to_thread(Visitor, on_postgresql.url)
    client_id = str(uuid.uuid4())
    async with visitor.socket() as page, visitor.socket() as other:
        streaming = await page.ask(f"count to {2 * RATE}", model)
        await page.until_text(streaming["reply"])
        with on_postgresql.server.read_only():
            refused = await other.ask("hello", model, 30, client_id=client_id)
            await asyncio.to_thread(assert_not_accepted, on_postgresql, other, refused, client_id)
            await asyncio.to_thread(assert_pages_open, on_postgresql, visitor)
            upload = await asyncio.to_thread(visitor.post, "/uploads/", files={"image": ("a.png", PICTURE)})
            assert (upload.status_code, upload.json()["error"]["code"]) == (503, "storage_unavailable")
            await other.send("open", conversation=streaming["conversation"])
            assert (await other.expect("conversation"))["id"] == streaming["conversation"]
        again = await other.ask("hello", model, client_id=client_id)
        await other.until_ended(again["reply"])
        await page.until_ended(streaming["reply"], 60)
    await assert_complete(on_postgresql, (streaming, page), (again, other))


async def test_a_full_database_refuses_the_message_and_keeps_the_replies(on_either):
    model = on_either.model
    visitor = await asyncio.to_thread(Visitor, on_either.url)
    # Words that nothing compresses, so that a few messages use up what is left in pages that were there.
    text = "".join(random.choices(string.ascii_letters + string.digits, k=15_000))
    async with visitor.socket() as page, visitor.socket() as other:
        question = f"count to {4 * RATE}"
        streaming = await page.ask(question, model)
        await page.until_text(streaming["reply"])
        on_either.disk.fill()
        try:
            for _ in range(50):
                client_id = str(uuid.uuid4())
                refused = await other.ask(text, model, 30, client_id=client_id)
                if refused["type"] == "error":
                    break
                await other.until_ended(refused["reply"], 60)
            await asyncio.to_thread(assert_not_accepted, on_either, other, refused, client_id)
            await asyncio.to_thread(assert_pages_open, on_either, visitor)
            await page.until_text(
                streaming["reply"], len(asked_length(question))
            )  # its end comes while it is full
        finally:
            on_either.disk.free()
        again = await other.ask("count to 5", model, client_id=client_id)
        await other.until_ended(again["reply"])
        await page.until_ended(streaming["reply"], 60)
    await assert_complete(on_either, (streaming, page), (again, other))
    assert on_either.books.reply(streaming["reply"]).text == asked_length(question)
