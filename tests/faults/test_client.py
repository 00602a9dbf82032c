"""Clients drop, come back, read slowly, ask twice and stay away, and hold exactly the reply in the end."""

import asyncio
import contextlib
import copy
import os
import random
import uuid
from types import SimpleNamespace

import pytest

from chat.demo.showcase import asked_length
from chat.demo.tokens import pieces
from tests.browser.scripted_worker import Hold, Instead, ScriptedWorker
from tests.faults.conftest import LONG, SECRET
from tests.faults.invariants import Books, Resources, assert_nothing_runs, assert_promises
from tests.faults.nodes import several_nodes
from tests.faults.watchers import SlowWatcher, Watcher, all_of
from tests.running import DemoWorker, Site, wait_until
from tests.scraping import scrape
from tests.visitor import Visitor

DROPS = 500
REPLIES, TABS = 10, 6  # of each reply
RATE = 25  # tokens a second
TAKEN_BACK_AT, TAKEN_BACK = 60, 3  # tokens
MOST_SECONDS = 0.6  # until a connection drops again
RECONNECTS, AT_ONCE = 1000, 100
SLOW = int(os.environ.get("MMCHAT_SLOW_READERS", "30"))
FAST = int(os.environ.get("MMCHAT_FAST_READERS", "60"))
LONG_REPLIES, PIECES, PIECE = 3, 60, 6000  # 360 KB each, of which a slow reader takes a few in the meantime
SETTINGS = {"MMCHAT_LIMITS": "off", "MMCHAT_WORKER_SECRET": SECRET, "MMCHAT_WORKER_CONCURRENCY": "50"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ground(request, tmp_path_factory):
    """A site with a worker that misbehaves when asked: one process on SQLite, or two on PostgreSQL and Redis."""
    folder = tmp_path_factory.mktemp(request.param)
    with contextlib.ExitStack() as stack:
        if request.param == "postgresql":
            yield stack.enter_context(several_nodes(folder, 2, RATE, **SETTINGS))
        else:
            site = Site(folder, environment=SETTINGS)
            stack.callback(site.remove)
            site.start()
            options = ("--rate", str(RATE), "--limit-model-concurrency", "50", "--allow-fault-requests")
            worker = DemoWorker(site, *options)
            stack.callback(worker.stop)
            yield SimpleNamespace(sites=[site], model=worker.wait(), books=Books(site))


@pytest.fixture
def scripted(ground):
    """A worker that says what the test tells it, and counts its calls."""
    model = f"llava-scripted-{uuid.uuid4().hex[:8]}"
    worker = ScriptedWorker(model)
    for site in ground.sites:
        worker.register(f"{site.url}/workers/{SECRET}")
        site.wait_for_model(model)
    worker.model = model
    yield worker
    worker.close()


@pytest.fixture
async def everywhere(ground):
    """One visitor, at each process."""
    return await at_each(ground)


async def at_each(ground) -> list[Visitor]:
    visitor = await asyncio.to_thread(Visitor, ground.sites[0].url)
    browser = [copy.copy(visitor) for _ in ground.sites]
    for there, site in zip(browser, ground.sites, strict=True):
        there.url = site.url
    return browser


async def drop_again_and_again(watcher: Watcher, budget: list[int], reloads: list[int]) -> None:
    while budget:  # the last ones, on a busy machine, after the reply has ended
        budget.pop()
        if random.random() < 0.1 and watcher.messages:
            watcher.messages.clear()  # a reload: a page begins with nothing
            reloads.append(1)
        await watcher.watch(random.uniform(0, MOST_SECONDS))
    await watcher.watch()


async def ask_and_drop(browser: list[Visitor], model: str, question: str) -> dict:
    """Send a message and drop at once, and send it again elsewhere until it is known to be accepted."""
    client_id = str(uuid.uuid4())
    async with random.choice(browser).socket() as page:
        await page.send("send", client_id=client_id, model=model, text=question)
        page.connection.transport.abort()
    async with random.choice(browser).socket() as page:
        return await page.ask(question, model, client_id=client_id)


async def test_500_drops_at_random_moments(ground):
    budget, reloads, watchers = [1] * DROPS, [], []
    plain, taking_back = "count to 250", f"count to 250 [[fault:shrink@{TAKEN_BACK_AT}]]"
    for number in range(REPLIES):
        browser = await at_each(ground)
        question = taking_back if number % 3 == 0 else plain
        accepted = await ask_and_drop(browser, ground.model, question)
        watchers += [Watcher(browser, {**accepted, "question": question}) for _ in range(TABS)]
    await all_of(drop_again_and_again(watcher, budget, reloads) for watcher in watchers)
    assert reloads
    text = asked_length(plain)
    tokens = pieces(text)
    shorter = "".join(tokens[: TAKEN_BACK_AT - TAKEN_BACK] + tokens[TAKEN_BACK_AT:])
    for watcher in watchers:
        stored = await asyncio.to_thread(ground.books.reply, watcher.accepted["reply"])
        watcher.assert_exact(stored)
        assert stored.state == "complete"
        assert stored.text == (shorter if watcher.accepted["question"] == taking_back else text)
    assert {watcher.reply["epoch"] > 0 for watcher in watchers} == {True, False}
    await asyncio.to_thread(assert_nothing_runs, ground.books)


@pytest.mark.parametrize("ground", ["sqlite", "postgresql"] if LONG else ["sqlite"], indirect=True)
async def test_1000_reconnects_in_a_few_seconds(ground):
    watchers = []
    for _ in range(REPLIES):
        browser = await at_each(ground)
        async with browser[0].socket() as page:
            accepted = await page.ask("count to 250", ground.model)
        watchers += [Watcher(browser, accepted) for _ in range(AT_ONCE // REPLIES)]

    async def reconnect(watcher: Watcher, times: int) -> None:
        for _ in range(times):
            await watcher.watch(random.uniform(0, 0.05))

    await all_of(reconnect(watcher, RECONNECTS // AT_ONCE) for watcher in watchers)
    # Hundreds of sockets that a busy site has not yet seen closing leave their mark in its heap, once.
    for site in ground.sites:
        await asyncio.to_thread(wait_until, lambda site=site: not scrape(site).sum("mmchat_sockets"))
    before = [Resources(site) for site in ground.sites]
    await all_of(reconnect(watcher, RECONNECTS // AT_ONCE) for watcher in watchers)
    await all_of(watcher.watch() for watcher in watchers)
    for watcher in watchers:
        watcher.assert_exact(await asyncio.to_thread(ground.books.reply, watcher.accepted["reply"]))
    for site, resources in zip(ground.sites, before, strict=True):
        await asyncio.to_thread(resources.assert_returned)
        assert "Traceback" not in site.log
    await asyncio.to_thread(assert_nothing_runs, ground.books)


async def test_the_same_id_ten_times_in_parallel(ground, scripted, everywhere):
    scripted.will_say("Only ", "once.")
    client_id = str(uuid.uuid4())
    async with contextlib.AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(
                everywhere[n % len(everywhere)].socket(origin=everywhere[n % len(everywhere)].url)
            )
            for n in range(10)
        ]
        asked = [page.ask("How often?", scripted.model, client_id=client_id) for page in pages]
        answers = await asyncio.gather(*asked)
        replies = await asyncio.gather(
            *(page.until_ended(answer["reply"]) for page, answer in zip(pages, answers, strict=True))
        )
        for page, answer in zip(pages, answers, strict=True):
            await asyncio.to_thread(assert_promises, ground.books, page, answer)
    assert answers == [answers[0]] * 10
    assert {reply["text"] for reply in replies} == {"Only once."}
    assert len(scripted.requests) == 1
    rows = ground.books.rows(
        "SELECT role FROM chat_message WHERE conversation_id = ? ORDER BY role",
        uuid.UUID(answers[0]["conversation"]),
    )
    assert rows == [("assistant",), ("user",)]


async def test_two_tabs(ground, scripted, everywhere):
    half, taken_back = Hold(), Hold()
    scripted.will_say("One two three", half, Instead("One two, "), taken_back, "four.")
    async with everywhere[0].socket() as first, everywhere[-1].socket() as second:
        accepted = await first.ask("Count.", scripted.model)
        await second.send("open", conversation=accepted["conversation"])
        for tab in (first, second):
            await tab.until_text(accepted["reply"], len("One two three"))
        half.set()
        for tab in (first, second):
            await tab.until(accepted["reply"], lambda reply: reply["text"] == "One two,")
        taken_back.set()
        await asyncio.gather(*(tab.until_ended(accepted["reply"]) for tab in (first, second)))
        again = await second.ask("Again.", scripted.model, conversation=accepted["conversation"])
        await asyncio.gather(*(tab.until_ended(again["reply"]) for tab in (first, second)))
        for tab in (first, second):
            for each in (accepted, again):
                await asyncio.to_thread(assert_promises, ground.books, tab, each)
            assert tab.messages[accepted["reply"]]["text"] == "One two, four."
            assert tab.messages[accepted["reply"]]["epoch"] == 1


async def test_a_reload_in_the_middle(ground, scripted, everywhere):
    half = Hold()
    scripted.will_say("First half. ", half, "Second half.")
    async with everywhere[0].socket() as page:
        accepted = await page.ask("Tell me.", scripted.model)
        await page.until_text(accepted["reply"])
    async with everywhere[-1].socket() as page:
        await page.send("open", conversation=accepted["conversation"])
        assert (await page.until_text(accepted["reply"]))["text"] == "First half."
        half.set()
        reply = await page.until_ended(accepted["reply"])
        await asyncio.to_thread(assert_promises, ground.books, page, accepted)
    assert reply["text"] == "First half. Second half."


async def test_ten_minutes_offline(ground, scripted, everywhere):
    """What passes in ten minutes: the reply ends, the conversation goes on, every process starts anew."""
    half = Hold()
    scripted.will_say("First half. ", half, "Second half.")
    async with everywhere[0].socket() as away:
        accepted = await away.ask("Tell me.", scripted.model)
        held = dict(await away.until_text(accepted["reply"]))
    async with everywhere[-1].socket() as tab:
        await tab.send("open", conversation=accepted["conversation"])
        half.set()
        await tab.until_ended(accepted["reply"])
        later = await tab.ask("And then?", scripted.model, conversation=accepted["conversation"])
        await tab.until_ended(later["reply"])
    for site in ground.sites:
        assert await asyncio.to_thread(site.stop) == 0
        await asyncio.to_thread(site.start)
    async with everywhere[-1].socket() as page:
        page.messages = away.messages
        await page.send("open", conversation=accepted["conversation"], have=page.have())
        conversation = await page.expect("conversation")
        for each in (accepted, later):
            await asyncio.to_thread(assert_promises, ground.books, page, each)
    sent = next(info for info in conversation["messages"] if info["id"] == accepted["reply"])
    assert (sent["offset"], sent["text"]) == (len(held["text"]), " Second half.")
    assert page.messages[accepted["reply"]]["text"] == "First half. Second half."


@pytest.mark.parametrize(
    "held", [(0, 5), (0, 10_000), (99, 5)], ids=["old epoch", "too far", "no such epoch"]
)
@pytest.mark.parametrize("ended", [False, True], ids=["streaming", "ended"])
async def test_beyond_the_replay_window(ground, scripted, everywhere, held, ended):
    """A page that holds what no memory keeps gets the text from the beginning."""
    epoch, characters = held
    draft, half = Hold(), Hold()
    scripted.will_say("A draft", draft, Instead("The final "), half, "text.")
    async with everywhere[0].socket() as page:
        accepted = await page.ask("Tell me.", scripted.model)
        await page.until_text(accepted["reply"])
        draft.set()
        message = dict(await page.until(accepted["reply"], lambda reply: reply["text"] == "The final"))
        if ended:
            half.set()
            await page.until_ended(accepted["reply"])
    if epoch == 0 and characters > 5:
        epoch = message["epoch"]
    async with everywhere[-1].socket() as page:
        page.messages = {accepted["reply"]: {**message, "epoch": epoch, "text": "?" * characters}}
        await page.send("open", conversation=accepted["conversation"], have=page.have())
        half.set()
        await page.until_ended(accepted["reply"])
        await asyncio.to_thread(assert_promises, ground.books, page, accepted)
    assert page.messages[accepted["reply"]]["text"] == "The final text."


async def test_readers_of_1_kilobyte_a_second_beside_fast_ones(ground, scripted):
    going_on = [Hold() for _ in range(PIECES)]
    watchers, slow = [], []
    for number in range(LONG_REPLIES):
        said = [f"{number} " + "lorem ipsum dolor " * (PIECE // 18) for _ in going_on]
        scripted.will_say(*(part for pair in zip(going_on, said, strict=True) for part in pair))
        browser = await at_each(ground)
        async with browser[0].socket() as page:
            accepted = await page.ask("Tell me much.", scripted.model)
            await page.until(accepted["reply"], lambda reply: reply["state"] == "streaming")
        watchers += [Watcher(browser, accepted) for _ in range(FAST // LONG_REPLIES)]
        slow += [SlowWatcher(browser, accepted) for _ in range(SLOW // LONG_REPLIES)]
    tasks = [asyncio.create_task(watcher.watch()) for watcher in slow]
    fast = [asyncio.create_task(watcher.watch()) for watcher in watchers]
    async with asyncio.timeout(60):
        while not all(watcher.messages for watcher in watchers + slow):
            await asyncio.sleep(0.1)
    before = [Resources(site) for site in ground.sites]
    most = 0.0
    for hold in going_on:
        hold.set()
        await asyncio.sleep(0.1)
        most = max(most, sum(each.grown() for each in before))
    await asyncio.gather(*fast)
    length = max(len(watcher.reply["text"]) for watcher in watchers)
    assert length >= PIECES * PIECE * 0.9
    assert max(len(watcher.reply["text"]) for watcher in slow) < length / 2, "the slow ones were not slow"
    assert most < SLOW * 0.25 + 40, "megabytes that came with readers who are slow"
    for watcher in slow:
        watcher.page.connection.hurry()
    await asyncio.gather(*tasks)
    for watcher in watchers + slow:
        watcher.assert_exact(await asyncio.to_thread(ground.books.reply, watcher.accepted["reply"]))
    for resources in before:
        await asyncio.to_thread(resources.assert_returned)
