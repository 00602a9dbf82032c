"""When all places are taken visitors wait in a line that moves, and can leave it."""

import asyncio

import pytest

from tests.running import DemoWorker, Site
from tests.visitor import Visitor


@pytest.fixture(scope="module")
def narrow_site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("narrow"), "--concurrency-count", "1").start()
    worker = DemoWorker(site, "--rate", "60")
    worker.wait()
    yield site, worker.name
    worker.stop()
    site.stop()
    site.remove()


async def test_the_position_is_told_and_moves_until_the_reply_starts(narrow_site):
    site, model = narrow_site
    visitors = [await asyncio.to_thread(Visitor, site.url) for _ in range(3)]
    async with visitors[0].socket() as one, visitors[1].socket() as two, visitors[2].socket() as three:
        first = await one.ask("count to 100", model)
        await one.until_text(first["reply"])
        second = await two.ask("count to 20", model)
        await two.expect("queue")
        third = await three.ask("hello", model)
        ended = await asyncio.gather(
            one.until_ended(first["reply"]),
            two.until_ended(second["reply"]),
            three.until_ended(third["reply"]),
        )
    assert [reply["state"] for reply in ended] == ["complete"] * 3
    assert [frame["position"] for frame in two.frames if frame["type"] == "queue"] == [1]
    assert [frame["position"] for frame in three.frames if frame["type"] == "queue"] == [2, 1]


async def test_stopping_a_waiting_reply_frees_its_place_in_line(narrow_site):
    site, model = narrow_site
    visitors = [await asyncio.to_thread(Visitor, site.url) for _ in range(3)]
    async with visitors[0].socket() as one, visitors[1].socket() as two, visitors[2].socket() as three:
        first = await one.ask("count to 2000", model)
        await one.until_text(first["reply"])
        second = await two.ask("hello", model)
        await two.expect("queue")
        third = await three.ask("hello", model)
        assert (await three.expect("queue"))["position"] == 2
        await two.send("stop", message=second["reply"])
        left = await two.until_ended(second["reply"])
        assert (await three.expect("queue"))["position"] == 1
        await one.send("stop", message=first["reply"])
        assert (await three.until_ended(third["reply"]))["state"] == "complete"
    assert (left["state"], left["text"]) == ("stopped", "")


async def test_a_workers_own_limit_holds_further_replies_back(tmp_path):
    site = Site(tmp_path / "site", environment={"MMCHAT_WORKER_CONCURRENCY": "1"}).start()
    worker = DemoWorker(site, "--rate", "40")
    try:
        model = await asyncio.to_thread(worker.wait)
        visitor = await asyncio.to_thread(Visitor, site.url)
        async with visitor.socket() as one, visitor.socket() as two:
            first = await one.ask("count to 40", model)
            await one.until_text(first["reply"])
            second = await two.ask("hello", model)
            assert (await two.expect("queue"))["position"] == 1
            await one.until_ended(first["reply"])
            assert (await two.until_ended(second["reply"]))["state"] == "complete"
    finally:
        worker.stop()
        site.remove()
