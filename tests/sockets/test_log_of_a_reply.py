"""The log of a running site: a reply can be followed by its id, and nobody's words are in it."""

import asyncio
import json
import uuid

import pytest

from tests.faults.conftest import register
from tests.running import DemoWorker, Site, free_port, wait_until
from tests.scraping import scrape
from tests.visitor import Visitor

SECRET = "faults"
MODEL = "llava-v1.5-demo"
TYPED = "count to 12 Xylophone-Marmalade"
EVENTS = {"reply accepted", "worker asked", "worker failed", "reply ended"}


@pytest.fixture
def site(tmp_path):
    site = Site(
        tmp_path / "site",
        "--concurrency-count",
        "1",
        environment={"MMCHAT_LOG_FORMAT": "json", "MMCHAT_LOG_LEVEL": "INFO", "MMCHAT_WORKER_SECRET": SECRET},
    )
    yield site
    site.remove()


@pytest.fixture
def worker(site):
    site.start()
    worker = DemoWorker(site, "--rate", "100", "--allow-fault-requests")
    worker.wait()
    yield worker
    worker.stop()


def entries(site):
    return [json.loads(line) for line in site.log.splitlines() if line.startswith("{")]


def of_reply(site, reply):
    return [entry for entry in entries(site) if entry.get("reply") == reply]


async def test_a_reply_is_followed_from_its_question_to_its_end(site, worker):
    visitor = await asyncio.to_thread(Visitor, site.url)
    async with visitor.socket() as page:
        accepted = await page.ask(TYPED, MODEL)
        text = (await page.until_ended(accepted["reply"]))["text"]
    first, asked, ended = of_reply(site, accepted["reply"])
    assert first["message"] == "reply accepted"
    assert (first["question"], first["conversation"]) == (accepted["message"], accepted["conversation"])
    assert (asked["message"], asked["model"]) == ("worker asked", MODEL)
    assert asked["worker"].startswith("http://127.0.0.1:")
    assert (ended["message"], ended["state"], ended["worker"]) == ("reply ended", "complete", asked["worker"])
    assert ended["characters"] == len(text)
    assert ended["seconds"] >= asked["seconds"] >= 0
    assert "code" not in ended


async def test_a_worker_that_fails_and_the_next_one_are_named(site, worker):
    refused = f"http://127.0.0.1:{free_port()}"
    register(site, refused, MODEL)
    visitor = await asyncio.to_thread(Visitor, site.url)
    async with visitor.socket() as page:
        # Until the one that refuses is asked first.
        for _ in range(10):
            accepted = await page.ask(TYPED, MODEL)
            assert (await page.until_ended(accepted["reply"]))["state"] == "complete"
            told = of_reply(site, accepted["reply"])
            if len(told) > 3:
                break
    names = [entry["message"] for entry in told]
    assert names == ["reply accepted", "worker asked", "worker failed", "worker asked", "reply ended"]
    assert (told[1]["worker"], told[2]["worker"], told[2]["code"]) == (refused, refused, "worker_refused")
    assert told[3]["worker"] == told[4]["worker"] != refused
    [breaker] = [entry for entry in entries(site) if entry["message"].startswith("breaker changed")]
    assert (breaker["worker"], breaker["state"], breaker["code"]) == (refused, "open", "worker_refused")


async def test_what_a_dead_process_left_is_named_and_counted_by_the_one_that_takes_over(site, worker):
    visitor = await asyncio.to_thread(Visitor, site.url)
    async with visitor.socket() as page:
        streaming = (await page.ask("count to 3000", MODEL))["reply"]
        await page.until_text(streaming, 5)
        waiting = (await page.ask("count to 5", MODEL))["reply"]
    site.kill()
    await asyncio.to_thread(site.start)

    def last(reply):
        return of_reply(site, reply)[-1]

    await asyncio.to_thread(wait_until, lambda: last(streaming).get("state") == "interrupted")
    assert last(streaming)["message"] == "reply interrupted: its process is gone"
    await asyncio.to_thread(wait_until, lambda: last(waiting).get("state") == "complete", 60)
    assert [entry["message"] for entry in of_reply(site, waiting)] == [
        "reply accepted",
        "waiting reply adopted",
        "worker asked",
        "reply ended",
    ]
    found = await asyncio.to_thread(scrape, site)
    assert found.sum("mmchat_replies_ended_total", state="interrupted") == 1
    assert found.sum("mmchat_replies_ended_total", state="complete") == 1
    assert found.sum("mmchat_replies_accepted_total") == 0


async def test_nothing_that_a_visitor_types_and_nothing_that_a_model_says_is_logged(site, worker):
    visitor = await asyncio.to_thread(Visitor, site.url)
    said = []
    async with visitor.socket() as page:
        for words in (
            TYPED,
            f"{TYPED} [[fault:error-code@5]]",
            f"{TYPED} [[fault:bad-utf8]]",
            f"{TYPED} [[fault:http-500]]",
            f"{TYPED} {{}} %s %(x)s \ud83d\ude00",
        ):
            accepted = await page.ask(words, MODEL)
            said.append((await page.until_ended(accepted["reply"]))["text"])
        await page.send("send", client_id=str(uuid.uuid4()), model="Xylophone-Marmalade", text=TYPED)
        await page.expect("error")
        await page.send("Xylophone-Marmalade", text=TYPED)
        await page.expect("error")
        await page.connection.send('{"type": "send", "text": "Xylophone-Marmalade')
        await page.expect("error")
    visitor.post("/uploads/", files={"image": ("Xylophone-Marmalade.png", b"no picture")})
    visitor.http.get(f"{site.url}/history/?q=Xylophone-Marmalade")
    assert {entry["message"] for entry in entries(site)} >= EVENTS
    assert "Xylophone" not in site.log
    assert "Marmalade" not in site.log
    assert any(len(text) > 20 for text in said)
    assert not [text for text in said if len(text) > 20 and text[:20] in site.log]
