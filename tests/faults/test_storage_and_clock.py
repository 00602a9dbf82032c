"""Disks fill up or turn read-only, clocks are wrong, an export runs beside: uploads are refused whole, chats go on."""

import asyncio
import contextlib
import io
import json
import os
import uuid

import pytest
from PIL import Image

from chat.demo.showcase import asked_length
from tests.faults.clocks import Clock
from tests.faults.disks import small_disk
from tests.faults.invariants import (
    Books,
    assert_committed,
    assert_ended,
    assert_nothing_runs,
    assert_promises,
)
from tests.faults.nodes import own_services
from tests.faults.sites import RATE, SETTINGS, running_site, worker_of
from tests.running import Site
from tests.visitor import Page, Visitor

DISK_MEGABYTES = 12


@pytest.fixture(scope="module")
def on_disks(tmp_path_factory):
    """A site whose pictures and whose temporary files have small disks of their own."""
    folder = tmp_path_factory.mktemp("disks")
    with (
        small_disk(folder / "site" / "media", DISK_MEGABYTES) as media,
        small_disk(folder / "tmp", DISK_MEGABYTES) as temporary,
        running_site(folder / "site", TMPDIR=str(temporary.folder)) as found,
    ):
        found.media, found.temporary = media, temporary
        yield found


def noise(width: int, height: int) -> bytes:
    """A picture that no format makes small: three bytes a pixel."""
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), os.urandom(3 * width * height)).save(file, "PNG")
    return file.getvalue()


def rows_of_pictures(site) -> tuple[int, int]:
    [(images,)] = site.books.rows("SELECT count(*) FROM chat_image")
    [(uploads,)] = site.books.rows("SELECT count(*) FROM chat_upload")
    return images, uploads


def assert_refused_whole(site, visitor: Visitor, picture: bytes, status: int, code: str) -> None:
    """A picture is refused by name, and neither a row nor a file of it is left."""
    before = rows_of_pictures(site), site.media.files()
    answer = visitor.post("/uploads/", files={"image": ("picture.png", picture)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert (rows_of_pictures(site), site.media.files()) == before
    assert "Traceback" not in answer.text


async def assert_chat_goes_on(site, visitor: Visitor, **fields) -> None:
    async with visitor.socket() as page:
        accepted = await page.ask("count to 5", site.model, **fields)
        assert accepted["type"] == "accepted", accepted
        await page.until_ended(accepted["reply"])
    stored = await asyncio.to_thread(assert_promises, site.books, page, accepted)
    assert stored.state == "complete"


async def test_a_full_media_disk_refuses_uploads_and_the_chat_goes_on(on_disks):
    visitor = await asyncio.to_thread(Visitor, on_disks.url)
    before = await asyncio.to_thread(visitor.upload, noise(100, 100))
    # Room for the first half of a file, then for none.
    on_disks.media.fill(leave=2**20)
    await asyncio.to_thread(assert_refused_whole, on_disks, visitor, noise(800, 800), 507, "storage_full")
    on_disks.media.fill()
    await asyncio.to_thread(assert_refused_whole, on_disks, visitor, noise(100, 100), 507, "storage_full")
    await assert_chat_goes_on(on_disks, visitor, images=[before["id"]])
    on_disks.media.free()
    after = await asyncio.to_thread(visitor.upload, noise(800, 800))
    await assert_chat_goes_on(on_disks, visitor, images=[after["id"]])


async def test_read_only_media_refuses_uploads_and_the_chat_goes_on(on_disks):
    visitor = await asyncio.to_thread(Visitor, on_disks.url)
    before = await asyncio.to_thread(visitor.upload, noise(100, 100))
    with on_disks.media.read_only():
        await asyncio.to_thread(
            assert_refused_whole, on_disks, visitor, noise(100, 100), 503, "storage_unavailable"
        )
        # What is stored already is served, and is sent to the model.
        assert (await asyncio.to_thread(visitor.http.get, on_disks.url + before["url"])).status_code == 200
        await assert_chat_goes_on(on_disks, visitor, images=[before["id"]])
    await asyncio.to_thread(visitor.upload, noise(100, 100))


async def test_a_full_tmp_refuses_large_uploads_and_the_chat_goes_on(on_disks):
    visitor = await asyncio.to_thread(Visitor, on_disks.url)
    large = noise(1000, 1000)  # larger than what Django keeps of a body in memory
    await asyncio.to_thread(visitor.upload, large)  # Python chooses its folder once, while there is room
    await on_disks.temporary.empty()
    on_disks.temporary.fill()
    try:
        await asyncio.to_thread(
            assert_refused_whole, on_disks, visitor, noise(1000, 1000), 507, "storage_full"
        )
        small = await asyncio.to_thread(visitor.upload, noise(100, 100))
        await assert_chat_goes_on(on_disks, visitor, images=[small["id"]])
        assert visitor.http.get(on_disks.url, timeout=10).status_code == 200
    finally:
        on_disks.temporary.free()
    await asyncio.to_thread(visitor.upload, noise(1000, 1000))


async def test_an_export_during_writes_has_every_row_whole_or_not_at_all(on_disks, tmp_path):
    visitor = await asyncio.to_thread(Visitor, on_disks.url)
    question, enough = "count to 12", asyncio.Event()
    ended: list[str] = []

    async def talk() -> None:
        async with visitor.socket() as page:
            while not enough.is_set():
                accepted = await page.ask(question, on_disks.model)
                reply = await page.until_ended(accepted["reply"])
                assert reply["state"] == "complete"
                vote = await asyncio.to_thread(
                    visitor.post, f"/feedback/{accepted['reply']}/vote/", json={"value": "up"}
                )
                assert vote.status_code == 200, vote.text
                ended.append(accepted["reply"])

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(talk())
        try:
            for number in range(2):
                file = tmp_path / f"{number}.jsonl"
                before = set(ended)
                done = await asyncio.to_thread(on_disks.site.manage, "export_feedback", "--output", str(file))
                assert (done.returncode, done.stderr) == (0, "")
                assert_whole(file, question, before, on_disks.books)
        finally:
            enough.set()
    await asyncio.to_thread(assert_nothing_runs, on_disks.books)


def assert_whole(file, question: str, before: set[str], books: Books) -> None:
    """Every line is valid and every reply and vote in it whole; what had ended before the export is in it."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    found = {kind: [line for line in lines if line["type"] == kind] for kind in ("chat", "upvote")}
    for each in found.values():
        ids = [line["message_id"] for line in each]
        assert len(ids) == len(set(ids)), "a row came twice"
        assert before <= set(ids)
    for line in lines:
        stored = books.reply(line["message_id"])
        assert stored.state == "complete"
        (_, asked), (_, answered) = line["state"]["messages"][-2:]
        assert answered == stored.text
        if asked == question:
            assert answered == asked_length(question)
    # A vote comes after its reply, so one moment's view holds no vote on a reply that it does not hold.
    assert {line["message_id"] for line in found["upvote"]} <= {line["message_id"] for line in found["chat"]}


@pytest.fixture(scope="module")
def on_a_clock(tmp_path_factory):
    """A site with a clock of its own, which generates one reply at a time."""
    folder = tmp_path_factory.mktemp("clock")
    clock = Clock(folder)
    with running_site(folder / "site", **clock.environment, MMCHAT_CONCURRENCY_COUNT="1") as found:
        found.clock = clock
        yield found


async def test_a_clock_that_steps_back_in_the_middle_of_a_stream_changes_nothing(on_a_clock):
    model, books = on_a_clock.model, on_a_clock.books
    visitor = await asyncio.to_thread(Visitor, on_a_clock.url)
    async with visitor.socket() as page, visitor.socket() as other:
        short = await page.ask("count to 3", model)
        await page.until_ended(short["reply"])
        running = await page.ask(f"count to {3 * RATE}", model, conversation=short["conversation"])
        await page.until_text(running["reply"])
        waiting = await other.ask(f"count to {2 * RATE}", model)
        on_a_clock.clock.step(-1)
        await page.until_ended(running["reply"])
        await other.until_text(waiting["reply"])
        # Its wait is told by how long the replies before it took, one of them minus an hour by this clock.
        late = await page.ask("count to 3", model, conversation=short["conversation"])
        told = await page.expect("queue")
        assert (told["position"], 0 < told["seconds"] < 60) == (1, True), told
        await other.until_ended(waiting["reply"])
        await page.until_ended(late["reply"])
    for each, where in ((short, page), (running, page), (late, page), (waiting, other)):
        stored = await asyncio.to_thread(assert_promises, books, where, each)
        assert stored.state == "complete"
    [(sent, finished)] = books.rows(
        "SELECT sent, finished FROM chat_message WHERE id = ?", uuid.UUID(running["reply"])
    )
    assert finished < sent, "the clock was never set back"
    async with visitor.socket() as page:
        await page.send("open", conversation=short["conversation"])
        seen = (await page.expect("conversation"))["messages"]
    asked = [info["id"] for info in seen if info["role"] == "user"]
    assert asked == [each["message"] for each in (short, running, late)]


@pytest.mark.parametrize(("hours", "waiting_ends"), [(-1, "complete"), (1, "interrupted")])
async def test_a_clock_an_hour_off_after_a_restart_leaves_nothing_running(hours, waiting_ends, on_a_clock):
    site, model, books = on_a_clock.site, on_a_clock.model, on_a_clock.books
    visitor = await asyncio.to_thread(Visitor, on_a_clock.url)
    async with visitor.socket() as page, visitor.socket() as other:
        running = await page.ask("count to 2000", model)
        await page.until_text(running["reply"])
        waiting = await other.ask("count to 5", model)
        site.kill()
    on_a_clock.clock.step(hours)
    await asyncio.to_thread(site.start)
    # A worker that was there before is there at once, and not with its next heartbeat.
    names = [each["name"] for each in visitor.http.get(f"{site.url}/models/").json()["list"]]
    assert names == [model]
    stored = await asyncio.to_thread(assert_ended, books, running["reply"])
    assert (stored.state, stored.error_code) == ("interrupted", "interrupted")
    # It had only waited, which a reply may do for an hour by the clock.
    assert (await asyncio.to_thread(assert_ended, books, waiting["reply"])).state == waiting_ends
    async with visitor.socket() as page:
        for each in (running, waiting):
            await page.send("open", conversation=each["conversation"])
            await page.expect("conversation")
            await asyncio.to_thread(assert_promises, books, page, each)
    await assert_chat_goes_on(on_a_clock, visitor)


async def test_two_processes_whose_clocks_are_two_hours_apart_are_one_site(tmp_path):
    with contextlib.ExitStack() as stack:
        services = await asyncio.to_thread(stack.enter_context, own_services())
        sites = []
        for hours in (1, -1):
            environment = {**SETTINGS, **services, **Clock(tmp_path, hours).environment}
            sites.append(Site(tmp_path / "site", environment=environment))
            stack.callback(sites[-1].kill)
            await asyncio.to_thread(sites[-1].start)
        ahead, behind = sites
        # It registers with the one that is behind: by its clock, the worker fell silent hours ago.
        worker = worker_of(behind)
        stack.callback(worker.stop)
        for site in sites:
            await asyncio.to_thread(site.wait_for_model, worker.name)
        books = Books(ahead)
        visitors = [await asyncio.to_thread(Visitor, site.url) for site in sites]
        visitors[1].http.cookies = visitors[0].http.cookies
        async with visitors[0].socket() as here, visitors[1].socket() as there:
            # Longer than a process may be silent before it is taken for dead.
            first = await here.ask(f"count to {7 * RATE}", worker.name)
            second = await there.ask(f"count to {7 * RATE}", worker.name)
            followers = [await follow(stack, visitors[1], first), await follow(stack, visitors[0], second)]
            for each, page in ((first, here), (second, there)):
                await page.until_ended(each["reply"])
            for each, page in zip((first, second), followers, strict=True):
                await page.until_ended(each["reply"])
        for each, pages in ((first, (here, followers[0])), (second, (there, followers[1]))):
            for page in pages:
                stored = await asyncio.to_thread(assert_promises, books, page, each)
                assert stored.state == "complete"
        await assert_the_other_takes_over(ahead, visitors, worker.name, books)


async def follow(stack: contextlib.ExitStack, visitor: Visitor, accepted: dict) -> Page:
    """Open a reply's conversation in another page."""
    connection = await visitor.connect()
    stack.callback(connection.transport.close)
    page = Page(connection)
    await page.expect("hello")
    await page.send("open", conversation=accepted["conversation"])
    await page.expect("conversation")
    return page


async def assert_the_other_takes_over(dying: Site, visitors: list[Visitor], model: str, books: Books) -> None:
    """What a process streamed is interrupted by the one whose clock is another."""
    async with visitors[0].socket() as page:
        lost = await page.ask("count to 2000", model)
        await page.until_text(lost["reply"])
        dying.kill()
    stored = await asyncio.to_thread(assert_ended, books, lost["reply"])
    assert (stored.state, stored.error_code) == ("interrupted", "interrupted")
    await asyncio.to_thread(assert_committed, books, lost)
    async with visitors[1].socket() as page:
        await page.send("open", conversation=lost["conversation"])
        await page.expect("conversation")
        await asyncio.to_thread(assert_promises, books, page, lost)
        await page.send("regenerate", client_id=str(uuid.uuid4()), message=lost["reply"])
        again = await page.expect("accepted")
        await page.until_text(again["reply"])
