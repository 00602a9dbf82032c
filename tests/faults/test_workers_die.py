"""Workers that die under many replies: what had no text yet goes on elsewhere or later, and no place is lost."""

import asyncio
import contextlib
from collections import Counter

import pytest

from chat.demo.showcase import asked_length
from tests.faults.conftest import IMPATIENT, register
from tests.faults.invariants import Books, Resources, assert_nothing_runs, assert_promises
from tests.faults.proxy import FaultProxy
from tests.office import Office
from tests.running import DemoWorker, Site, free_port, wait_until
from tests.visitor import FINAL, Visitor

PLACES = 12  # of a worker
QUESTION = "count to 40"
TEXT = asked_length(QUESTION)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    patient_in_line = {"MMCHAT_WORKER_CONCURRENCY": str(PLACES), "MMCHAT_WORKER_GRACE": "10"}
    site = Site(tmp_path_factory.mktemp("dying"), environment={**IMPATIENT, **patient_in_line}).start()
    site.visitors = [Visitor(site.url) for _ in range(20)]
    yield site
    status = site.stop()
    site.remove()
    assert status == 0, "the site did not end cleanly"


@contextlib.contextmanager
def worker_on(site: Site, port: int, *options: str):
    """A worker that registers under a name that nobody asks for; the test registers it for its own model."""
    worker = DemoWorker(site, "--port", str(port), *options, name=f"own-{port}")
    try:
        worker.wait()
        yield worker
    finally:
        worker.stop()


@contextlib.asynccontextmanager
async def asked(site: Site, model: str, number: int, question: str = QUESTION):
    """Let so many visitors ask, and read to the end; give (page, `accepted` frame, task that reads) of each."""
    async with contextlib.AsyncExitStack() as sockets:
        pages = [await sockets.enter_async_context(each.socket()) for each in site.visitors[:number]]
        accepted = await asyncio.gather(*(page.ask(question, model) for page in pages))
        reading = [
            asyncio.create_task(page.until_ended(each["reply"], 60))
            for page, each in zip(pages, accepted, strict=True)
        ]
        yield list(zip(pages, accepted, reading, strict=True))
        await asyncio.gather(*reading)


def texts(asked) -> Counter:
    """Count the replies that run with text, and those without any."""
    held = [page.messages.get(accepted["reply"]) for page, accepted, _ in asked]
    return Counter(bool(each and each["text"]) for each in held if not (each and each["state"] in FINAL))


async def until(condition, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def hold_promises(books: Books, asked) -> Counter:
    """Hold I1 to I4 for each reply; give how they ended."""
    ends = Counter()
    for page, accepted, _ in asked:
        stored = assert_promises(books, page, accepted)
        ends[stored.state, stored.error_code] += 1
        if stored.state == "complete":
            assert stored.text == TEXT
        else:
            assert TEXT.startswith(stored.text)
    return ends


async def assert_all_places_free(site: Site, model: str) -> None:
    """I5: as many replies as the worker has places run at once."""
    async with asked(site, model, PLACES) as all_at_once:
        await until(lambda: texts(all_at_once)[True] == PLACES)
    assert_nothing_runs(Books(site))


async def test_a_worker_killed_with_ten_streams_on_it(site):
    model, books = f"llava-killed-{free_port()}", Books(site)
    first, second = free_port(), free_port()
    with worker_on(site, second, "--rate", "50", "--limit-model-concurrency", "20"):
        # It answers ten at once; two more are with it, and have no text.
        with worker_on(site, first, "--rate", "8", "--limit-model-concurrency", "10") as dying:
            register(site, f"http://127.0.0.1:{first}", model, beats=True)
            register(site, f"http://127.0.0.1:{second}", model, queue_length=50)
            before = Resources(site)
            async with asked(site, model, PLACES) as all_asked:
                await until(lambda: texts(all_asked) == {True: 10, False: 2})
                dying.stop()
        assert hold_promises(books, all_asked) == {("failed", "worker_broke_off"): 10, ("complete", ""): 2}
        assert all(page.messages[accepted["reply"]]["text"] for page, accepted, _ in all_asked)
        completed = [
            accepted["reply"] for page, accepted, read in all_asked if read.result()["state"] == "complete"
        ]
        assert {books.reply(reply).worker for reply in completed} == {f"http://127.0.0.1:{second}"}
        await asyncio.to_thread(before.assert_returned)
        await assert_all_places_free(site, model)


async def test_workers_flapping_under_twenty_replies(site):
    model, books, port = f"llava-flaps-{free_port()}", Books(site), free_port()
    office = await asyncio.to_thread(Office, site)

    def breaker() -> str:
        """Give the row of the worker in the administrators' page of what runs now, empty when it has none."""
        rows = office.overview().split("<tr>")
        return next((row for row in rows if proxy.url in row and "worker_" in row), "")

    def is_paused() -> bool:
        return all(cell in breaker() for cell in ("<td>paused</td>", "<td>worker_refused</td>"))

    async def beat_until(condition) -> None:
        """Register again and again, as a worker that beats and was forgotten does."""
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.to_thread(register, site, proxy.url, model, beats=True)
                await asyncio.sleep(0.1)

    options = ("--rate", "100", "--limit-model-concurrency", "50")
    with worker_on(site, port, *options), FaultProxy("127.0.0.1", port) as proxy:
        register(site, proxy.url, model, beats=True)
        before = Resources(site)
        async with asked(site, model, 20) as all_asked:
            for flap in range(4):
                await beat_until(lambda: texts(all_asked)[True] or not texts(all_asked))
                proxy.refuse()
                if flap == 0:
                    await asyncio.to_thread(wait_until, is_paused, 10, "the breaker")
                proxy.heal()
            await beat_until(lambda: all(read.done() for _, _, read in all_asked))
        ends = hold_promises(books, all_asked)
        # One that it broke off before any text was asked once, too; one that it never heard of goes on.
        assert ends.keys() <= {("complete", ""), ("failed", "worker_broke_off")}, ends
        assert ends["failed", "worker_broke_off"] >= 1
        await assert_all_places_free(site, model)
        await asyncio.to_thread(wait_until, lambda: not breaker(), 10, "the breaker's end")
        await asyncio.to_thread(before.assert_returned)
