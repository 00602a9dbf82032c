"""Two processes of one site: a reply that runs in one is followed, stopped and asked again from the other."""

import asyncio
import contextlib
import time
import uuid
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis
import websockets

from tests import parts
from tests.office import Office
from tests.running import DemoWorker, Site, wait_until
from tests.scraping import scrape
from tests.visitor import Visitor


@pytest.fixture(scope="module")
def services():
    """A database of our own on a PostgreSQL, and a Redis of our own."""
    name = f"mmchat_two_{uuid.uuid4().hex[:8]}"
    with parts.redis() as redis, parts.postgresql() as url:
        with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield {"REDIS_URL": redis, "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}
        with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def two(services, tmp_path_factory):
    """Two sites on one database and one Redis, as two machines would run them, and a worker."""
    folder = tmp_path_factory.mktemp("two")
    sites = [Site(folder, environment=services).start() for _ in range(2)]
    worker = DemoWorker(sites[0], "--rate", "60")
    for site in sites:
        site.wait_for_model(worker.name)
    yield sites[0], sites[1], worker.name
    worker.stop()
    for site in sites:
        assert site.stop() == 0
    sites[0].remove()


@pytest.fixture
def visitor(two):
    return Visitor(two[0].url)


@pytest.fixture
def stranger(two):
    return Visitor(two[1].url)


def elsewhere(visitor, site):
    """The same browser, at another process."""
    other = Visitor(site.url)
    other.http.cookies, other.bootstrap = visitor.http.cookies, visitor.bootstrap
    return other


async def test_a_reply_is_followed_from_the_other_process(two, visitor):
    async with visitor.socket() as page, elsewhere(visitor, two[1]).socket() as other:
        accepted = await page.ask("count to 100", two[2])
        await page.until_text(accepted["reply"], 20)
        await other.send("open", conversation=accepted["conversation"])
        one, two_ = await asyncio.gather(
            page.until_ended(accepted["reply"]), other.until_ended(accepted["reply"])
        )
    assert one["text"] == two_["text"]
    assert one["state"] == two_["state"] == "complete"
    assert other.gaps == 0


async def test_a_new_message_shows_in_the_tab_at_the_other_process(two, visitor):
    async with visitor.socket() as page, elsewhere(visitor, two[1]).socket() as other:
        first = await page.ask("hello", two[2])
        await page.until_ended(first["reply"])
        await other.send("open", conversation=first["conversation"])
        await other.expect("conversation")
        second = await page.ask("count to 30", two[2], conversation=first["conversation"])
        reply = await other.until_ended(second["reply"])
    assert reply["state"] == "complete"


async def test_a_reply_is_stopped_and_asked_again_from_the_other_process(two, visitor):
    async with visitor.socket() as page, elsewhere(visitor, two[1]).socket() as other:
        accepted = await page.ask("count to 3000", two[2])
        await page.until_text(accepted["reply"], 20)
        await other.send("open", conversation=accepted["conversation"])
        await other.send("stop", message=accepted["reply"])
        one, two_ = await asyncio.gather(
            page.until_ended(accepted["reply"]), other.until_ended(accepted["reply"])
        )
        assert one["state"] == two_["state"] == "stopped"
        assert one["text"] == two_["text"]
        await other.send("regenerate", client_id=str(uuid.uuid4()), message=accepted["reply"])
        again = await other.expect("accepted")
        await page.until_text(again["reply"])
        await page.send("stop", message=again["reply"])
        await other.until_ended(again["reply"])


BLOCK = """
import time
from django.contrib.auth.models import AnonymousUser
from chat.models import Visitor
from chat.restrictions import Grounds, block_visitor
block_visitor(Visitor.objects.get(conversations="{conversation}"), Grounds(AnonymousUser(), "Spam"))
print(time.time())
"""


async def test_the_sockets_of_a_visitor_who_is_blocked_close_at_both_processes_within_5_seconds(
    two, visitor, stranger
):
    there = elsewhere(visitor, two[1])
    async with visitor.socket() as page, there.socket() as other, stranger.socket() as unconcerned:
        accepted = await page.ask("hello", two[2])
        await page.until_ended(accepted["reply"])
        block = BLOCK.format(conversation=accepted["conversation"])

        async def closed(socket):
            assert await socket.until_closed(40) == 4403
            return time.time()

        blocking, *ends = await asyncio.gather(
            asyncio.to_thread(two[0].manage, "shell", "-v", "0", "-c", block), closed(page), closed(other)
        )
        assert blocking.returncode == 0, blocking.stderr
        seconds = [end - float(blocking.stdout) for end in ends]
        print(f"closed after {seconds[0]:.2f} s and {seconds[1]:.2f} s")
        assert max(seconds) < 5
        later = await unconcerned.ask("hello", two[2])
        await unconcerned.until_ended(later["reply"])


async def test_a_conversation_is_deleted_from_the_other_process_while_its_reply_streams(
    two, services, visitor
):
    there = elsewhere(visitor, two[1])
    async with visitor.socket() as page:
        accepted = await page.ask("count to 3000", two[2])
        await page.until_text(accepted["reply"], 20)
        answer = await asyncio.to_thread(there.post, f"/c/{accepted['conversation']}/delete/")
        assert answer.status_code == 200, answer.text
        assert (await page.expect("deleted"))["conversation"] == accepted["conversation"]
        await page.send("open", conversation=accepted["conversation"])
        assert (await page.expect("error"))["code"] == "not_found"
    with psycopg.connect(
        services["DATABASE_URL"].replace("postgres:", "postgresql:"), autocommit=True
    ) as rows:
        found = "SELECT state FROM chat_message WHERE id = %s"
        await asyncio.to_thread(
            wait_until,
            lambda: rows.execute(found, [accepted["reply"]]).fetchone() == ("stopped",),
            10,
            "the end of the reply",
        )


async def test_deleting_everything_closes_the_pages_at_both_processes_and_leaves_nothing_in_redis(
    two, services, visitor
):
    there, key = elsewhere(visitor, two[1]), visitor.http.cookies["mmchat_visitor"].split(":")[0]
    async with visitor.socket() as page, there.socket() as other:
        accepted = await page.ask("hello", two[2])
        await page.until_ended(accepted["reply"])
        assert (await asyncio.to_thread(there.post, "/own-data/delete/")).status_code == 200
        assert await page.until_closed() == await other.until_closed() == 4401
    with redis.Redis.from_url(services["REDIS_URL"]) as store:
        await asyncio.to_thread(wait_until, lambda: not store.keys(f"*{key}*"), 40, "an empty Redis")


async def test_an_administrator_at_the_other_process_sees_a_reply_and_stops_it(two, visitor):
    office = await asyncio.to_thread(Office, two[1])
    async with visitor.socket() as page:
        accepted = await page.ask("count to 3000", two[2])
        await page.until_text(accepted["reply"], 20)
        row = f'id="stop-{accepted["reply"]}"'
        assert row in await asyncio.to_thread(office.overview)
        await asyncio.to_thread(office.stop, accepted["reply"])
        reply = await page.until_ended(accepted["reply"])
    assert reply["state"] == "stopped"
    assert row not in await asyncio.to_thread(office.overview)


async def test_serve_runs_two_processes_on_one_port(services, tmp_path):
    site = Site(tmp_path / "pair", "--processes", "2", "--demo", environment=services)
    try:
        await asyncio.to_thread(site.start)
        model = await asyncio.to_thread(site.wait_for_model, "mmchat-demo")
        visitor = await asyncio.to_thread(Visitor, site.url)
        async with visitor.socket() as page:
            accepted = await page.ask("hello", model)
            assert (await page.until_ended(accepted["reply"]))["state"] == "complete"
        assert await asyncio.to_thread(site.stop) == 0
    finally:
        site.remove()


async def test_one_scrape_tells_of_both_processes_of_a_port_and_of_one_that_was_started_again(
    services, tmp_path
):
    site = Site(tmp_path / "pair", "--processes", "2", "--demo", environment=services)

    def both_answer():
        # One of them may have been asked before the other was there.
        found = scrape(site)
        return found if found.sum("mmchat_process_up") == 2 else None

    try:
        await asyncio.to_thread(site.start)
        model = await asyncio.to_thread(site.wait_for_model, "mmchat-demo")
        await asyncio.to_thread(wait_until, both_answer)
        visitors = [await asyncio.to_thread(Visitor, site.url) for _ in range(6)]
        async with contextlib.AsyncExitStack() as sockets:
            pages = [await sockets.enter_async_context(visitor.socket()) for visitor in visitors]
            for page in pages:
                accepted = await page.ask("hello", model)
                assert (await page.until_ended(accepted["reply"]))["state"] == "complete"
            for _ in range(6):  # whichever answers
                found = await asyncio.to_thread(scrape, site)
                assert found.labels("mmchat_sockets", "process") == {"0", "1"}
                assert found.sum("mmchat_sockets") == 6
                assert found.sum("mmchat_replies_ended_total", state="complete") == 6
                assert found.text.count("# TYPE mmchat_sockets gauge") == 1
        children = psutil.Process(site.process.pid).children()
        servers = [each for each in children if "mmchat_site.server" in each.cmdline()]
        assert len(servers) == 2
        servers[0].kill()
        await asyncio.to_thread(servers[0].wait, 10)
        found = await asyncio.to_thread(wait_until, both_answer)
        assert found.labels("mmchat_process_up", "process") == {"0", "1"}
        assert await asyncio.to_thread(site.stop) == 0
    finally:
        site.remove()


async def test_a_visitors_sockets_and_frames_count_at_both_processes(two, visitor):
    there = elsewhere(visitor, two[1])
    async with contextlib.AsyncExitStack() as sockets:
        pages = [await sockets.enter_async_context(each.socket()) for each in (visitor, there) * 2]
        for each in (visitor, there):
            async with each.connect() as fifth:
                assert '"too_many_sockets"' in await fifth.recv()
                with pytest.raises(websockets.ConnectionClosed):
                    await fifth.recv()
                assert fifth.close_code == 4429
        answers = []
        for page in pages[:2] * 15:
            await page.send("stop", message=str(uuid.uuid4()))
            answers.append((await page.expect("error"))["code"])
    assert answers == ["not_found"] * 20 + ["too_many_frames"] * 10
    async with there.socket(), there.socket():
        pass  # what a page has closed counts no longer
