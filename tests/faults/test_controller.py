"""Whatever an outside controller does, visitors keep the last list for a while, and then read that there is none."""

import asyncio
import contextlib
import itertools
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest
import requests

from tests.faults import invariants
from tests.faults.proxy import FaultProxy
from tests.outside import Controller
from tests.running import ROOT, Site, free_port, wait_until
from tests.visitor import Visitor

MODEL = "llava-v1.5-7b"
KEEP = 6  # longer than the three seconds between two readings of a list
ENVIRONMENT = {
    "MMCHAT_CONNECT_TIMEOUT": "1",
    "MMCHAT_LIMITS": "off",
    "MMCHAT_WORKER_GRACE": "0.3",  # a refusal is followed by one more question, and no third
    "MMCHAT_MODEL_LIST_KEEP": str(KEEP),
    "MMCHAT_WORKER_NETWORKS": "127.0.0.1/32",
    "DJANGO_SUPERUSER_PASSWORD": "only-for-this-test",
}
IN_TIME = 30  # seconds; two calls that the controller never answers take ten


def administrator(site: Site) -> requests.Session:
    made = site.manage("createsuperuser", "--noinput", "--username", "chief", "--email", "chief@example.org")
    assert made.returncode == 0, made.stderr
    session = requests.Session()
    session.get(f"{site.url}/admin/login/", timeout=10)
    form = {"username": "chief", "password": ENVIRONMENT["DJANGO_SUPERUSER_PASSWORD"]}
    form["csrfmiddlewaretoken"] = session.cookies["csrftoken"]
    answer = session.post(
        f"{site.url}/admin/login/", data=form, headers={"Origin": site.url, "Referer": site.url}, timeout=10
    )
    assert answer.ok
    assert "sessionid" in session.cookies
    return session


@contextlib.contextmanager
def started(folder, mode):
    """Give a site behind a proxy behind which an outside controller knows one worker."""
    controller = Controller()
    options = ["--controller-address", controller.url, "--model-name", MODEL, "--rate", "0"]
    worker = subprocess.Popen([sys.executable, "-m", "chat.demo", *options], cwd=ROOT)
    wait_until(lambda: controller.workers)
    with FaultProxy("127.0.0.1", controller.port) as proxy:
        site = Site(folder, "--controller-url", proxy.url, "--model-list-mode", mode, environment=ENVIRONMENT)
        try:
            site.start()
            yield SimpleNamespace(
                site=site,
                url=site.url,
                books=invariants.Books(site),
                controller=controller,
                proxy=proxy,
                staff=administrator(site),
            )
            status = site.stop()
            assert status == 0, "the site did not end cleanly"
        finally:
            site.remove()
            worker.kill()
            worker.wait()
            controller.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with started(tmp_path_factory.mktemp("outside"), "reload") as running:
        asyncio.run(complete(running))
        models(running)
        running.resources = invariants.Resources(running.site)
        yield running


@pytest.fixture
def outside(running):
    """A site whose controller is well; after the test everything is where it was."""
    workers = {url: dict(worker) for url, worker in running.controller.workers.items()}
    yield running
    running.proxy.heal()
    vars(running.controller).pop("answer", None)
    running.controller.workers = workers
    wait_until(lambda: models(running)["available"], IN_TIME, "the models")
    invariants.assert_nothing_runs(running.books)
    running.resources.assert_returned()
    assert "Traceback" not in running.site.log


def models(outside, session=requests) -> dict:
    return session.get(f"{outside.url}/models/", timeout=IN_TIME).json()


async def ask(outside) -> SimpleNamespace:
    """Ask as a visitor does, hold the promises, and give what the page holds of the reply."""
    visitor = await asyncio.to_thread(Visitor, outside.url)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 7", MODEL)
        await page.until_ended(accepted["reply"], IN_TIME)
        stored = await asyncio.to_thread(invariants.assert_promises, outside.books, page, accepted)
    return SimpleNamespace(**page.messages[accepted["reply"]], stored=stored)


async def complete(outside) -> None:
    reply = await ask(outside)
    assert (reply.state, reply.failure) == ("complete", None)


async def fail(outside, code: str, retry: bool = True) -> None:
    reply = await ask(outside)
    assert (reply.state, reply.failure["code"], reply.text) == ("failed", code, "")
    assert reply.failure["retry"] is retry


def assert_kept_and_then_gone(outside, reason: str) -> None:
    """The last list stays in use at first; then visitors read that there is no model, administrators also why."""
    kept = models(outside)
    assert kept["available"] is True
    assert [model["name"] for model in kept["list"]] == [MODEL]
    wait_until(lambda: not models(outside)["available"], IN_TIME, "the end of the last list")
    for_visitors, for_staff = models(outside)["reason"], models(outside, outside.staff)["reason"]
    assert "unavailable" in for_visitors
    assert reason in for_staff
    assert reason not in for_visitors
    assert "127.0.0.1" not in for_visitors


async def assert_unreachable(outside) -> None:
    await fail(outside, "controller_unreachable")
    await asyncio.to_thread(assert_kept_and_then_gone, outside, "controller_unreachable")
    outside.proxy.heal()
    await asyncio.to_thread(wait_until, lambda: models(outside)["available"], IN_TIME)
    await complete(outside)


async def test_down(outside):
    outside.proxy.refuse()
    await assert_unreachable(outside)


async def test_slow(outside):
    outside.proxy.delay(0.5)
    await complete(outside)


async def test_so_slow_that_it_is_given_up(outside):
    outside.proxy.black_hole()
    await assert_unreachable(outside)


@pytest.mark.parametrize("answer", ["<html>Welcome</html>", {"models": {}, "address": 7}], ids=str)
async def test_garbage(outside, answer):
    outside.controller.answer = lambda path, body: (200, answer)
    await fail(outside, "controller_garbage")
    await asyncio.to_thread(assert_kept_and_then_gone, outside, "controller_garbage")


async def test_bytes_that_are_no_http(outside):
    outside.proxy.corrupt()
    reply = await ask(outside)
    assert reply.failure["code"] in ("controller_garbage", "controller_unreachable")


@pytest.fixture
def forbidden():
    """An address outside the allowed networks that would be answered."""
    with socket.create_server(("127.0.0.2", 0)) as server:
        server.setblocking(False)
        yield f"http://127.0.0.2:{server.getsockname()[1]}"
        with pytest.raises(BlockingIOError):
            server.accept()


def serving(queue_length: int) -> dict:
    return {"model_names": [MODEL], "speed": 1, "queue_length": queue_length}


async def test_address_outside_the_allowlist(outside, forbidden):
    outside.controller.workers = {forbidden: serving(0)}
    await fail(outside, "worker_address_forbidden", retry=False)
    assert (await asyncio.to_thread(models, outside))["available"] is True


async def test_address_outside_the_allowlist_beside_a_good_one(outside, forbidden):
    [good] = outside.controller.workers
    outside.controller.workers = {forbidden: serving(0), good: serving(1)}
    await complete(outside)


async def test_workers_flapping(outside):
    """Every second answer says that there is no worker, as LLaVA's controller does while it refreshes."""
    well, empty = outside.controller.answer, []
    turns = {
        "/list_models": itertools.cycle([False, True]),
        "/get_worker_address": itertools.cycle([False, True]),
    }

    def flap(path, body):
        if not next(turns.get(path, iter([False]))):
            return well(path, body)
        empty.append(path)
        return 200, {"models": [], "address": ""}

    outside.controller.answer = flap
    ends = [(await ask(outside)) for _ in range(4)]
    assert {reply.state for reply in ends} == {"complete"}
    assert "/get_worker_address" in empty

    def seen_twice_without_a_gap() -> bool:
        told = models(outside)
        assert told["available"] is True
        assert [model["name"] for model in told["list"]] == [MODEL]
        return empty.count("/list_models") >= 2

    await asyncio.to_thread(wait_until, seen_twice_without_a_gap, 60, "two empty lists")


async def test_stale_worker(outside):
    stale = f"http://127.0.0.1:{free_port()}"
    outside.controller.workers = {stale: serving(0)}
    await fail(outside, "worker_refused")
    assert (await asyncio.to_thread(models, outside))["available"] is True
    outside.controller.workers = {}  # the controller notices
    async with asyncio.timeout(IN_TIME):
        # An address that it named for another reply may be tried for two seconds more.
        while (reply := await ask(outside)).failure["code"] != "no_worker":
            assert reply.failure["code"] == "worker_refused"
    await asyncio.to_thread(assert_kept_and_then_gone, outside, "No worker has registered yet.")


async def test_stale_worker_beside_a_good_one(outside):
    [good] = outside.controller.workers
    stale = f"http://127.0.0.1:{free_port()}"
    outside.controller.workers = {stale: serving(0), good: serving(0)}
    reply = await ask(outside)
    assert (reply.state, reply.stored.worker) == ("complete", good)
    assert outside.controller.workers[stale]["queue_length"] > 0, "it was not named"


async def test_down_is_noticed_where_lists_are_read_once(tmp_path):
    with started(tmp_path / "once", "once") as outside:
        await complete(outside)
        outside.proxy.refuse()
        assert (await asyncio.to_thread(models, outside))["available"] is True
        await assert_unreachable(outside)
