"""`/metrics` of a running site: what replies, pages and workers add to it."""

import asyncio
import socket
import uuid

import pytest
import requests

from tests.running import DemoWorker, Site, wait_until
from tests.scraping import Scrape, scrape
from tests.visitor import Visitor


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A site of its own, where one reply runs at a time."""
    site = Site(
        tmp_path_factory.mktemp("watched"), "--concurrency-count", "1", environment={"MMCHAT_LIMITS": "off"}
    )
    site.start()
    worker = DemoWorker(site, "--rate", "100", "--allow-fault-requests")
    worker.wait()
    yield site
    worker.stop()
    status = site.stop()
    site.remove()
    assert status == 0


@pytest.fixture
def visitor(watched):
    return Visitor(watched.url)


MODEL = "llava-v1.5-demo"


class Growth:
    """What counters grew by since this was made."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.before = scrape(site)

    def of(self, name: str, **labels: str) -> float:
        return scrape(self.site).sum(name, **labels) - self.before.sum(name, **labels)


def until(site: Site, condition) -> Scrape:
    """Scrape until what is found meets a condition."""

    def met():
        found = scrape(site)
        return found if condition(found) else None

    return wait_until(met)


async def test_a_complete_reply_is_counted_once_with_its_times_and_characters(watched, visitor):
    growth = Growth(watched)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 60", MODEL)  # longer than from one flush to the next
        reply = await page.until_ended(accepted["reply"])
        assert scrape(watched).sum("mmchat_sockets") >= 1
    worker = watched.rows("SELECT worker FROM chat_message WHERE id = ?", uuid.UUID(accepted["reply"]).hex)[
        0
    ][0]
    assert growth.of("mmchat_replies_accepted_total") == 1
    assert growth.of("mmchat_replies_ended_total") == 1
    assert growth.of("mmchat_replies_ended_total", state="complete", code="", worker=worker) == 1
    assert growth.of("mmchat_reply_characters_total") == len(reply["text"]) > 0
    assert 1 < growth.of("mmchat_worker_frames_total", worker=worker) <= len(reply["text"]) + 1
    for times in ("queue_seconds", "first_text_seconds", "worker_first_text_seconds", "reply_seconds"):
        assert growth.of(f"mmchat_{times}_count") == 1
        assert growth.of(f"mmchat_{times}_sum") > 0
    assert growth.of("mmchat_worker_failures_total") == 0
    until(watched, lambda found: found.sum("mmchat_sockets") == 0)


async def test_the_same_message_sent_again_is_not_counted_again(watched, visitor):
    growth = Growth(watched)
    client_id = str(uuid.uuid4())
    async with visitor.socket() as page:
        accepted = [await page.ask("hello", MODEL, client_id=client_id) for _ in range(3)]
        await page.until_ended(accepted[0]["reply"])
    assert growth.of("mmchat_replies_accepted_total") == growth.of("mmchat_replies_ended_total") == 1


async def test_a_worker_that_fails_is_counted_by_its_error_and_pauses_after_three(watched, visitor):
    growth = Growth(watched)
    async with visitor.socket() as page:
        for _ in range(3):
            accepted = await page.ask("count to 50 [[fault:error-code@5]]", MODEL)
            await page.until_ended(accepted["reply"])
        worker = page.messages[accepted["reply"]]
        assert worker["failure"]["code"] == "worker_reported_error"
        ended = growth.of("mmchat_replies_ended_total", state="failed", code="worker_reported_error")
        assert ended == growth.of("mmchat_replies_ended_total") == 3
        assert growth.of("mmchat_worker_failures_total", code="worker_reported_error") == 3
        assert scrape(watched).sum("mmchat_breaker_open") == 1
        accepted = await page.ask("hello", MODEL)
        assert (await page.until_ended(accepted["reply"]))["state"] == "complete"
    assert scrape(watched).sum("mmchat_breaker_open") == 0


async def test_a_worker_that_answers_nothing_has_no_time_to_first_text(watched, visitor):
    growth = Growth(watched)
    async with visitor.socket() as page:
        accepted = await page.ask("[[fault:http-500]]", MODEL)
        await page.until_ended(accepted["reply"])
    assert growth.of("mmchat_replies_ended_total", state="failed", code="worker_http_error") == 1
    assert growth.of("mmchat_queue_seconds_count") == 1
    assert growth.of("mmchat_first_text_seconds_count") == 0
    assert growth.of("mmchat_reply_characters_total") == 0


async def test_what_waits_and_what_streams_is_told_apart(watched, visitor):
    async with visitor.socket() as page, Visitor(watched.url).socket() as other:
        first = await page.ask("count to 3000", MODEL)
        await page.until_text(first["reply"], 10)
        second = await other.ask("count to 10", MODEL)
        found = scrape(watched)
        assert found.sum("mmchat_replies", state="streaming") == 1
        assert found.sum("mmchat_replies", state="queued") == 1
        growth = Growth(watched)
        await page.send("stop", message=first["reply"])
        await page.until_ended(first["reply"])
        await other.until_ended(second["reply"])
    assert growth.of("mmchat_replies_ended_total", state="stopped") == 1
    until(watched, lambda found: found.sum("mmchat_replies") == 0)


async def test_pages_that_come_back_are_counted_by_what_they_lacked(watched, visitor):
    async with visitor.socket() as page:
        accepted = await page.ask("count to 20", MODEL)
        reply = await page.until_ended(accepted["reply"])
        shown = page.messages
    epoch, length = reply["epoch"], len(reply["text"])
    question = {"message": accepted["message"], "epoch": 0, "offset": len("count to 20")}
    for outcome, (at_epoch, offset) in {
        "nothing_missing": (epoch, length),
        "rest": (epoch, length - 3),
        "whole_again": (epoch + 1, length),
        "gap": (epoch, length + 1),
    }.items():
        growth = Growth(watched)
        async with visitor.socket() as page:
            page.messages = dict(shown)
            held = {"message": accepted["reply"], "epoch": at_epoch, "offset": offset}
            await page.send("open", conversation=accepted["conversation"], have=[question, held])
            await page.expect("conversation")
        assert growth.of("mmchat_resumes_total", outcome=outcome) == growth.of("mmchat_resumes_total") == 1


async def test_a_refused_frame_is_counted_by_its_code(watched, visitor):
    growth = Growth(watched)
    async with visitor.socket() as page:
        await page.send("dance")
        assert (await page.expect("error"))["code"] == "frame_unreadable"
        assert (await page.ask(" ", MODEL))["code"] == "message_empty"
    assert growth.of("mmchat_frames_refused_total", code="frame_unreadable") == 1
    assert growth.of("mmchat_frames_refused_total", code="message_empty") == 1


def test_the_process_tells_what_it_uses(watched):
    found = scrape(watched)
    assert found.sum("process_resident_memory_bytes") > 2**20
    assert found.sum("process_open_fds") > 3
    assert found.sum("process_cpu_seconds_total") > 0
    assert found.labels("mmchat_info", "version") != set()
    assert found.sum("mmchat_process_up", process="0") == 1
    until(watched, lambda later: later.sum("mmchat_event_loop_late_seconds_count") > 2)


async def test_a_site_that_ends_says_that_it_drains(tmp_path):
    site = Site(tmp_path / "site", "--demo", environment={"MMCHAT_LIMITS": "off"})
    try:
        await asyncio.to_thread(site.start)
        model = await asyncio.to_thread(site.wait_for_model, "mmchat-demo")
        visitor = await asyncio.to_thread(Visitor, site.url)
        assert scrape(site).sum("mmchat_draining") == 0
        async with visitor.socket() as page:
            accepted = await page.ask("count to 3000", model)
            await page.until_text(accepted["reply"], 5)
            site.process.terminate()
            await asyncio.to_thread(until, site, lambda found: found.sum("mmchat_draining") == 1)
            await page.send("stop", message=accepted["reply"])
            await page.until_ended(accepted["reply"])
        assert await asyncio.to_thread(site.process.wait, 60) == 0
    finally:
        site.remove()


def test_behind_a_public_address_prometheus_asks_the_machine_itself_and_strangers_find_nothing(tmp_path):
    site = Site(tmp_path / "site", environment={"MMCHAT_URL": "https://chat.example.org"})
    try:
        site.start()

        def status(host, **headers):
            headers = {"Host": host, **headers}
            return requests.get(f"{site.url}/metrics", headers=headers, timeout=20).status_code

        assert status(f"{socket.gethostname()}:{site.port}") == 200
        assert status("chat.example.org") == 200
        assert status("elsewhere.example.org") == 400
        # The proxy that wrote this is not in MMCHAT_TRUSTED_PROXIES.
        assert status("chat.example.org", **{"X-Forwarded-For": "203.0.113.9"}) == 404
        assert site.stop() == 0
    finally:
        site.remove()


async def test_only_what_a_continued_reply_adds_is_counted(watched, visitor):
    async with visitor.socket() as page:
        first = (await page.ask("count to 400", MODEL))["reply"]
        old = await page.until_text(first, 200)
        await page.send("stop", message=first)
        old = await page.until_ended(first)
        grown = await asyncio.to_thread(Growth, watched)
        await page.send("continue", client_id=str(uuid.uuid4()), message=first)
        accepted = await page.expect("accepted")
        await page.until_text(accepted["reply"], len(old["text"]) + 50)
        await page.send("stop", message=accepted["reply"])
        new = await page.until_ended(accepted["reply"])
    added = len(new["text"]) - len(old["text"])
    assert await asyncio.to_thread(grown.of, "mmchat_reply_characters_total") == added
