"""Two processes behind the shipped nginx file are restarted one after the other, and no visitor notices."""

import asyncio
import contextlib
import copy
import signal
import uuid

import requests

from chat.demo.showcase import asked_length
from tests import shipped
from tests.faults.invariants import assert_nothing_runs
from tests.faults.nodes import several_nodes
from tests.faults.tabs import RESTART, Seen, Tab
from tests.running import Site, free_port, wait_until
from tests.visitor import Visitor

TABS = 200
TABS_OF_A_VISITOR = 10
PLACES = 190  # fewer than tabs: some replies only wait when a process is told to end
MESSAGES = 5  # of each tab, at least
QUESTION = "count to 35"
RATE = 6  # tokens a second: a reply takes six seconds


@contextlib.contextmanager
def two_nodes(folder, rate: int, **settings: str):
    """Run two processes of one site, nginx before them, and a worker."""
    port = free_port()
    settings = {
        "MMCHAT_URL": f"http://127.0.0.1:{port}",
        "MMCHAT_TRUSTED_PROXIES": "127.0.0.1/32",
        "MMCHAT_WORKER_CONCURRENCY": str(TABS),
        "MMCHAT_LIMITS": "off",
        **settings,
    }
    with several_nodes(folder, 2, rate, TABS, **settings) as nodes:
        ports = [site.port for site in nodes.sites]
        with shipped.nginx(folder / "nginx", ports, port) as nodes.url:
            yield nodes


def readiness(site: Site) -> int:
    """Give the status of a process's `/readyz`, 0 when nobody listens."""
    try:
        return requests.get(f"{site.url}/readyz", timeout=5).status_code
    except requests.ConnectionError:
        return 0


def owned(nodes, site: Site, state: str) -> set[uuid.UUID]:
    """Give the replies of a process that are in `state`."""
    sql = (
        "SELECT m.id FROM chat_message m JOIN chat_serverprocess p ON m.owner = p.id "
        "WHERE p.pid = ? AND m.state = ?"
    )
    return {row[0] for row in nodes.books.rows(sql, site.process.pid, state)}


def restart(site: Site) -> None:
    """Restart one process as docs/deploy.md says."""
    site.process.send_signal(signal.SIGTERM)
    wait_until(lambda: readiness(site) == 503, 5, "503 of /readyz")
    answers = []
    while site.process.poll() is None:
        answers.append(readiness(site))
    assert site.process.returncode == 0, site.log
    assert set(answers) <= {503, 0}, "a process that ended said that it was ready"
    site.start()


async def test_a_rolling_restart_of_two_nodes_loses_nothing_and_shows_no_error(tmp_path):
    with contextlib.ExitStack() as stack:
        nodes = await asyncio.to_thread(
            stack.enter_context, two_nodes(tmp_path, RATE, MMCHAT_CONCURRENCY_COUNT=str(PLACES))
        )
        await restart_both(nodes)


async def restart_both(nodes):
    visitors = await asyncio.gather(
        *(asyncio.to_thread(Visitor, nodes.url) for _ in range(TABS // TABS_OF_A_VISITOR))
    )
    seen, enough = Seen(), asyncio.Event()
    tabs = [
        Tab(
            visitors[number // TABS_OF_A_VISITOR], nodes.model, seen, f"127.0.1.{number // TABS_OF_A_VISITOR}"
        )
        for number in range(TABS)
    ]
    async with asyncio.TaskGroup() as group:
        for tab in tabs:
            group.create_task(tab.run(QUESTION, enough, MESSAGES))
        async with asyncio.timeout(60):
            while sum(tab.is_streaming for tab in tabs) < PLACES * 0.9:
                await asyncio.sleep(0.1)
        for site in nodes.sites:
            await asyncio.to_thread(restart, site)
        enough.set()

    assert seen.errors == []
    assert seen.refused == {}, "a handshake failed"
    assert set(seen.closes) == {RESTART}
    assert seen.closes.total() >= TABS, "somebody's socket was never closed"
    sent = [(tab, message) for tab in tabs for message in tab.sent]
    assert len(sent) >= TABS * MESSAGES
    text = asked_length(QUESTION)
    wrong = [reply for tab, message in sent if (reply := tab.ended(message))["text"] != text]
    assert wrong == []
    assert {tab.ended(message)["state"] for tab, message in sent} == {"complete"}
    assert [tab.gaps for tab in tabs if tab.gaps] == []

    await asyncio.to_thread(assert_nothing_runs, nodes.books)
    stored = dict(
        nodes.books.rows(
            "SELECT client_id, count(*) FROM chat_message WHERE role = 'user' GROUP BY client_id"
        )
    )
    assert stored == {uuid.UUID(message.client_id): 1 for _, message in sent}
    replies = nodes.books.rows("SELECT id, state, text FROM chat_message WHERE role = 'assistant'")
    assert len(replies) == len(sent)
    assert {(state, stored_text) for _, state, stored_text in replies} == {("complete", text)}


async def test_replies_that_only_wait_go_to_the_other_process(tmp_path):
    with contextlib.ExitStack() as stack:
        nodes = await asyncio.to_thread(
            stack.enter_context, two_nodes(tmp_path, 10, MMCHAT_CONCURRENCY_COUNT="2")
        )
        ending, other = nodes.sites
        visitors = await asyncio.gather(*(asyncio.to_thread(Visitor, nodes.url) for _ in range(5)))
        closes, replies = [], []
        async with contextlib.AsyncExitStack() as sockets:
            pages = [
                await sockets.enter_async_context(at(visitor, ending).socket(origin=nodes.url))
                for visitor in visitors
            ]
            accepted = [await page.ask("count to 45", nodes.model) for page in pages]
            replies = [uuid.UUID(each["reply"]) for each in accepted]
            for each, page in zip(accepted[:2], pages[:2], strict=True):
                await page.until_text(each["reply"])
            ending.process.send_signal(signal.SIGTERM)
            # While the two that run still do, the three that wait change hands.
            await asyncio.to_thread(
                wait_until, lambda: owned(nodes, other, "queued") == set(replies[2:]), 5, "a new owner"
            )
            assert owned(nodes, ending, "streaming") == set(replies[:2])
            closes = await asyncio.gather(*(page.until_closed() for page in pages))
        assert set(closes) == {RESTART}
        for visitor, each in zip(visitors, accepted, strict=True):
            async with at(visitor, other).socket(origin=nodes.url) as page:
                await page.send("open", conversation=each["conversation"])
                reply = await page.until_ended(each["reply"])
            assert (reply["state"], reply["text"]) == ("complete", asked_length("count to 45"))


def at(visitor: Visitor, site: Site) -> Visitor:
    """The same browser at one process, past the proxy."""
    there = copy.copy(visitor)
    there.url = site.url
    return there
