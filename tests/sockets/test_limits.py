"""Each limit of what goes over the socket: told with the wait, changed while the site runs, none for staff."""

import asyncio
import contextlib
import json
import sqlite3
import uuid

import pytest
import websockets

from tests.office import Office
from tests.running import DemoWorker, Site
from tests.visitor import Page, Visitor


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("limited")).start()
    worker = DemoWorker(site, "--rate", "100", "--limit-model-concurrency", "50")
    site.model = worker.wait()
    yield site
    worker.stop()
    assert site.stop() == 0
    site.remove()


@pytest.fixture(autouse=True)
def defaults(limited):
    """Leave the rules as they were."""
    columns = ("name", "counted", "by", "amount", "seconds", "enabled")
    before = limited.rows(f"SELECT {', '.join(columns)} FROM chat_limitrule")
    yield
    change(limited, "DELETE FROM chat_limitrule")
    for row in before:
        change(limited, f"INSERT INTO chat_limitrule ({', '.join(columns)}) VALUES (?, ?, ?, ?, ?, ?)", *row)


@pytest.fixture
def visitor(limited):
    return Visitor(limited.url)


def change(site, sql, *values):
    with sqlite3.connect(site.folder / "mmchat.sqlite3", timeout=20) as connection:
        connection.execute(sql, values)


def set_limit(site, counted, amount, by="visitor", seconds=60):
    """Let one rule stand for all that there are of what it counts, as an administrator would."""
    change(site, "DELETE FROM chat_limitrule WHERE counted = ?", counted)
    values = f"limit {counted}", counted, by, amount, seconds, True
    columns = "name, counted, by, amount, seconds, enabled"
    change(site, f"INSERT INTO chat_limitrule ({columns}) VALUES (?, ?, ?, ?, ?, ?)", *values)


async def read_anew():
    """Wait until every process has read the rules since they were changed."""
    await asyncio.sleep(1.1)  # chat/kept.py: they are kept for one second, by a clock that no load slows


async def turned_away(visitor: Visitor) -> tuple[dict, int]:
    """Open a socket that the site closes; give what it says, and the close code."""
    async with visitor.connect() as connection:
        said = json.loads(await connection.recv())
        with pytest.raises(websockets.ConnectionClosed):
            await connection.recv()
        return said, connection.close_code


async def test_connections_are_counted_before_anything_else_and_told_the_wait(limited, visitor):
    set_limit(limited, "handshakes", 2)
    await read_anew()
    for _ in range(2):
        async with visitor.socket():
            pass
    said, code = await turned_away(visitor)
    assert (said["type"], said["code"], said["limit"], code) == ("error", "too_many_requests", 2, 4429)
    assert 0 < said["seconds"] <= 120
    assert str(said["seconds"]) in said["text"]
    other = await asyncio.to_thread(Visitor, limited.url)
    async with other.socket():
        pass


async def test_connections_of_an_address_count_without_a_cookie_too(limited, visitor):
    set_limit(limited, "handshakes", 2, by="address")
    await read_anew()
    nobody = await asyncio.to_thread(Visitor, limited.url)
    nobody.http.cookies.clear()
    for _ in range(2):
        async with nobody.connect() as connection:
            with pytest.raises(websockets.ConnectionClosed):
                await connection.recv()
            assert connection.close_code == 4401
    for each in (nobody, visitor):
        said, code = await turned_away(each)
        assert (said["code"], code) == ("too_many_requests", 4429)


async def test_a_forged_header_makes_no_new_address_of_a_socket(limited, visitor):
    set_limit(limited, "handshakes", 2, by="address")
    await read_anew()
    said = []
    for number in range(3):
        headers = {"Cookie": visitor.cookies, "X-Forwarded-For": f"198.51.100.{number}"}
        address = f"{limited.url.replace('http', 'ws')}/ws/chat/"
        async with websockets.connect(address, origin=limited.url, additional_headers=headers) as connection:
            said.append(json.loads(await connection.recv())["type"])
    assert said == ["hello", "hello", "error"]


async def test_pages_of_a_visitor_and_of_an_address(limited, visitor):
    other = await asyncio.to_thread(Visitor, limited.url)
    set_limit(limited, "sockets", 2, seconds=None)
    await read_anew()
    async with visitor.socket(), visitor.socket(), other.socket():
        said, code = await turned_away(visitor)
        assert (said["code"], said["limit"], said["seconds"] > 0, code) == ("too_many_sockets", 2, True, 4429)
        set_limit(limited, "sockets", 3, by="address", seconds=None)
        await read_anew()
        said, code = await turned_away(other)
        assert (said["code"], said["limit"], code) == ("too_many_sockets", 3, 4429)
    async with other.socket():
        pass


async def test_handshakes_made_at_once_count_each_other(limited, visitor):
    set_limit(limited, "sockets", 3, seconds=None)
    await read_anew()

    async def first_frame(stack):
        connection = await stack.enter_async_context(visitor.connect())
        return json.loads(await connection.recv())["type"]

    async with contextlib.AsyncExitStack() as stack:
        said = await asyncio.gather(*(first_frame(stack) for _ in range(8)))
    assert sorted(said) == ["error"] * 5 + ["hello"] * 3


async def frames(page: Page, number: int) -> list[dict]:
    answers = []
    for _ in range(number):
        await page.send("stop", message=str(uuid.uuid4()))
        answers.append(await page.expect("error"))
    return answers


async def test_frames_are_counted_over_all_pages_of_a_visitor(limited, visitor):
    set_limit(limited, "frames", 5, seconds=60)
    await read_anew()
    async with visitor.socket() as page, visitor.socket() as other:
        answers = await frames(page, 3) + await frames(other, 4)
        assert [each["code"] for each in answers] == ["not_found"] * 5 + ["too_many_frames"] * 2
        assert 0 < answers[-1]["seconds"] <= 120
        assert (answers[-1]["field"], answers[-1]["limit"]) == ("frame", 5)
        # Told to wait, a page that was meant for it goes on when the rule is lifted.
        change(limited, "DELETE FROM chat_limitrule WHERE counted = 'frames'")
        await read_anew()
        assert [each["code"] for each in await frames(page, 3)] == ["not_found"] * 3


async def test_messages_are_counted_and_one_that_is_sent_again_is_answered_as_before(limited, visitor):
    set_limit(limited, "messages", 2)
    await read_anew()
    async with visitor.socket() as page:
        for _ in range(2):
            last = await page.ask("hello", limited.model)
            await page.until_ended(last["reply"])
        refused = await page.ask("hello", limited.model)
        assert (refused["type"], refused["code"], refused["limit"]) == ("error", "too_many_requests", 2)
        assert 0 < refused["seconds"] <= 120
        await page.send("regenerate", client_id=str(uuid.uuid4()), message=last["reply"])
        assert (await page.expect("error"))["code"] == "too_many_requests"
        again = await page.ask("hello", limited.model, client_id=last["client_id"])
        assert (again["type"], again["reply"]) == ("accepted", last["reply"])


async def test_messages_of_an_address_count_for_all_its_visitors(limited, visitor):
    set_limit(limited, "messages", 2, by="address")
    await read_anew()
    answers = []
    for _ in range(3):
        somebody = await asyncio.to_thread(Visitor, limited.url)
        async with somebody.socket() as page:
            answers.append((await page.ask("hello", limited.model))["type"])
    assert answers == ["accepted", "accepted", "error"]


async def test_replies_at_once(limited, visitor):
    set_limit(limited, "replies", 2, seconds=None)
    await read_anew()
    async with visitor.socket() as page:
        running = [await page.ask("count to 2000", limited.model) for _ in range(2)]
        refused = await page.ask("count to 2000", limited.model)
        assert (refused["code"], refused["limit"], refused["seconds"] > 0) == ("too_many_replies", 2, True)
        for each in running:
            await page.send("stop", message=each["reply"])
        # The page follows the last one; the other ends as well.
        await page.until_ended(running[-1]["reply"])

        async def accepted():
            while (answer := await page.ask("hello", limited.model))["type"] == "error":
                assert answer["code"] == "too_many_replies"
                await asyncio.sleep(0.5)
            return answer

        async with asyncio.timeout(60):
            await page.until_ended((await accepted())["reply"])


async def test_replies_at_once_of_an_address_when_all_are_asked_for_together(limited):
    set_limit(limited, "replies", 3, by="address", seconds=None)
    await read_anew()
    visitors = [await asyncio.to_thread(Visitor, limited.url) for _ in range(8)]
    async with contextlib.AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(each.socket()) for each in visitors]
        answers = await asyncio.gather(*(page.ask("count to 2000", limited.model) for page in pages))
        assert [each["type"] for each in answers].count("accepted") == 3
        assert {each["code"] for each in answers if each["type"] == "error"} == {"too_many_replies"}
        for page, answer in zip(pages, answers, strict=True):
            if answer["type"] == "accepted":
                await page.send("stop", message=answer["reply"])
                await page.until_ended(answer["reply"])


async def test_staff_are_never_refused(limited, visitor):
    office = await asyncio.to_thread(Office, limited)
    visitor.http.cookies.set("sessionid", office.http.cookies["sessionid"])
    for counted in ("handshakes", "messages", "frames"):
        set_limit(limited, counted, 1)
    for counted in ("sockets", "replies"):
        set_limit(limited, counted, 1, seconds=None)
    await read_anew()
    async with visitor.socket(), visitor.socket() as page:
        running = [await page.ask("count to 300", limited.model) for _ in range(3)]
        assert [each["type"] for each in running] == ["accepted"] * 3
        for each in running:
            await page.send("stop", message=each["reply"])
        change(limited, "UPDATE auth_user SET is_staff = 0")
        try:
            said, _ = await turned_away(visitor)
            assert said["code"] == "too_many_requests"
            assert (await frames(page, 1))[0]["code"] == "too_many_frames"
        finally:
            change(limited, "UPDATE auth_user SET is_staff = 1")


async def test_an_administrator_changes_a_limit_and_it_holds(limited, visitor):
    office = await asyncio.to_thread(Office, limited)
    [(pk,)] = limited.rows("SELECT id FROM chat_limitrule WHERE counted = 'frames'")
    form = {
        "name": "Frames",
        "counted": "frames",
        "by": "visitor",
        "amount": "2",
        "seconds": "60",
        "enabled": "on",
    }
    page = await asyncio.to_thread(office.change_limit, pk, **form)
    assert "was changed successfully" in page
    await read_anew()
    async with visitor.socket() as page:
        codes = [each["code"] for each in await frames(page, 3)]
    assert codes == ["not_found"] * 2 + ["too_many_frames"]


async def test_the_words_are_in_the_language_of_the_page(limited, visitor):
    set_limit(limited, "handshakes", 1)
    await read_anew()
    async with visitor.socket():
        pass
    visitor.http.cookies.set("django_language", "zh-hans")
    said, _ = await turned_away(visitor)
    assert said["text"] == f"操作过于频繁，请等待 {said['seconds']} 秒。"
