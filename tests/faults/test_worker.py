"""Whatever a worker does, three visitors see the same end: one who stays, one who drops, and one with two tabs."""

import asyncio
import contextlib
import socket
import sqlite3
import uuid
from types import SimpleNamespace

import pytest

from chat.demo.tokens import pieces
from tests.faults import invariants
from tests.faults.conftest import register
from tests.running import free_port
from tests.visitor import Visitor

QUESTION = "count to 60"


async def stays(visitor, site, ask):
    async with visitor.socket() as page:
        accepted = await ask(page)
        await page.until_ended(accepted["reply"], 20)
        return page, accepted


async def drops(visitor, site, ask):
    async with visitor.socket() as page:
        accepted = await ask(page)
    await asyncio.to_thread(invariants.assert_ended, site.books, accepted["reply"], 20)
    async with visitor.socket() as page:
        await page.send("open", conversation=accepted["conversation"])
        await page.expect("conversation")
        return page, accepted


async def has_two_tabs(visitor, site, ask):
    async with visitor.socket() as first, visitor.socket() as second:
        accepted = await ask(first)
        await second.send("open", conversation=accepted["conversation"])
        await second.expect("conversation")
        await asyncio.gather(
            first.until_ended(accepted["reply"], 20), second.until_ended(accepted["reply"], 20)
        )
        invariants.assert_same_text(site.books, first, accepted["reply"])
        return second, accepted


async def three_visitors(site, question, model=None) -> list[SimpleNamespace]:
    """Let each kind of visitor ask the same, and hold the promises; give what they saw of their replies."""

    async def one(kind):
        visitor = await asyncio.to_thread(Visitor, site.url)
        page, accepted = await kind(visitor, site, lambda page: page.ask(question, model or site.model))
        reply = accepted["reply"]
        invariants.assert_committed(site.books, accepted)
        invariants.assert_one_end(page, reply)
        invariants.assert_same_text(site.books, page, reply)
        invariants.assert_nothing_leaks(page)
        return SimpleNamespace(**page.messages[reply], visitor=kind.__name__)

    replies = await asyncio.gather(*(one(kind) for kind in (stays, drops, has_two_tabs)))
    invariants.assert_nothing_runs(site.books)
    return replies


async def fail_alike(site, question, code, model=None, with_text=False):
    """Three replies fail by the same name, the text that came before is kept, and asking again is advised."""
    for reply in await three_visitors(site, question, model):
        assert (reply.state, reply.failure["code"], reply.visitor) == ("failed", code, reply.visitor)
        # Whoever is redirected is better off with another model; the page offers Regenerate all the same.
        assert reply.failure["retry"] is (code != "worker_redirect")
        assert bool(reply.text) == with_text, reply.visitor


# Before any connection


async def test_refused(impatient):
    register(impatient.site, f"http://127.0.0.1:{free_port()}", "llava-refused")
    await fail_alike(impatient, QUESTION, "worker_refused", "llava-refused")


async def test_refused_and_forgotten(impatient):
    # One visitor: others might come when it is forgotten already, and hear that there is none.
    model = f"llava-forgotten-{free_port()}"
    register(impatient.site, f"http://127.0.0.1:{free_port()}", model, beats=True)
    visitor = await asyncio.to_thread(Visitor, impatient.url)
    page, accepted = await stays(visitor, impatient, lambda page: page.ask(QUESTION, model))
    stored = invariants.assert_promises(impatient.books, page, accepted)
    assert (stored.state, stored.error_code, stored.text) == ("failed", "worker_refused", "")


async def test_unknown_host(impatient):
    address = f"http://127.0.0.1:{free_port()}"
    register(impatient.site, address, "llava-unknown")
    # A name that resolves to nothing is refused at registration; this one stopped resolving afterwards.
    with contextlib.closing(sqlite3.connect(impatient.site.folder / "mmchat.sqlite3", timeout=20)) as rows:
        rows.execute(
            "UPDATE chat_worker SET address = ? WHERE address = ?", ("http://gone.invalid:1", address)
        )
        rows.commit()
    await fail_alike(impatient, QUESTION, "worker_unknown_host", "llava-unknown")


async def test_connect_timeout(impatient):
    # Once its queue of connections is full, Linux drops what else comes, as a firewall does.
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            filler = waiting.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        register(impatient.site, f"http://127.0.0.1:{full.getsockname()[1]}", "llava-dropped")
        await fail_alike(impatient, QUESTION, "worker_connect_timeout", "llava-dropped")


# Instead of frames

ANSWERS = {
    "500": ("http-500", "worker_http_error"),
    "429": ("http-429", "worker_busy"),
    "empty 200": ("empty", "worker_empty"),
    "HTML 200": ("html", "worker_html"),
    "redirect": ("redirect", "worker_redirect"),
    "no first token": ("hang", "worker_silent"),
    "bad JSON": ("garbage", "worker_bad_json"),
    "bad UTF-8": ("bad-utf8", "worker_bad_utf8"),
}


@pytest.mark.parametrize(("fault", "code"), ANSWERS.values(), ids=ANSWERS)
async def test_no_text(impatient, fault, code):
    await fail_alike(impatient, f"{QUESTION} [[fault:{fault}]]", code)


# In the middle of the text

BREAKS = {
    "stall": ("stall@10", "worker_stalled"),
    "endless tokens": ("endless", "worker_too_long"),
    "bad JSON later": ("garbage@10", "worker_bad_json"),
    "bad UTF-8 later": ("bad-utf8@10", "worker_bad_utf8"),
    "TCP reset mid-stream": ("reset@10", "worker_broke_off"),
    "body cut mid-frame": ("broken-off@10", "worker_broke_off"),
    "error_code": ("error-code@10", "worker_reported_error"),
}


@pytest.mark.parametrize(("fault", "code"), BREAKS.values(), ids=BREAKS)
async def test_partial_text(impatient, fault, code):
    await fail_alike(impatient, f"{QUESTION} [[fault:{fault}]]", code, with_text=True)


async def test_1_gb_without_a_nul(impatient):
    await three_visitors(impatient, "count to 3")
    before = invariants.Resources(impatient.site)
    await fail_alike(impatient, f"{QUESTION} [[fault:no-nul]]", "worker_oversized")
    await asyncio.to_thread(before.assert_returned)


# What is no failure


async def test_shrinking_text(impatient):
    whole = pieces((await three_visitors(impatient, QUESTION))[0].text)
    for reply in await three_visitors(impatient, f"{QUESTION} [[fault:shrink@20]]"):
        assert (reply.state, reply.text) == ("complete", "".join(whole[:17] + whole[20:]))
        assert reply.epoch >= 1


async def test_duplicate_frame(impatient):
    told = [reply.text for reply in await three_visitors(impatient, QUESTION)]
    for reply in await three_visitors(impatient, f"{QUESTION} [[fault:duplicate]]"):
        assert reply.state == "complete"
        assert reply.text in told


# All together


async def test_after_a_fault_the_visitor_can_ask_again(impatient):
    visitor = await asyncio.to_thread(Visitor, impatient.url)
    async with visitor.socket() as page:
        accepted = await page.ask(f"{QUESTION} [[fault:reset@10]]", impatient.model)
        assert (await page.until_ended(accepted["reply"]))["failure"]["retry"] is True
        await page.send("regenerate", client_id=str(uuid.uuid4()), message=accepted["reply"])
        again = await page.expect("accepted")
        assert (await page.until_ended(again["reply"]))["variant"] == 1
        accepted = await page.ask("count to 3", impatient.model, conversation=accepted["conversation"])
        assert (await page.until_ended(accepted["reply"]))["state"] == "complete"


async def test_after_all_faults_the_site_is_where_it_was(impatient):
    before = invariants.Resources(impatient.site)
    faults = [fault for fault, _ in [*ANSWERS.values(), *BREAKS.values()] if fault not in ("endless", "hang")]
    await asyncio.gather(*(three_visitors(impatient, f"{QUESTION} [[fault:{fault}]]") for fault in faults))
    await asyncio.to_thread(before.assert_returned)
    assert "Traceback" not in impatient.site.log
