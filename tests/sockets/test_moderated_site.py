"""Checks of messages before a worker sees them, and of replies when they have ended."""

import asyncio
import json
import uuid

import pytest

from tests.office import Office
from tests.outside import Moderation
from tests.running import DemoWorker, Site
from tests.scraping import scrape
from tests.visitor import Visitor


@pytest.fixture(scope="module")
def moderation():
    service = Moderation()
    yield service
    service.close()


@pytest.fixture(scope="module")
def moderated(moderation, tmp_path_factory):
    site = Site(
        tmp_path_factory.mktemp("moderated"),
        "--moderate",
        environment={
            "MMCHAT_MODERATION_URL": f"{moderation.url}/v1/moderations",
            "MMCHAT_MODERATION_KEY": "secret",
        },
    ).start()
    worker = DemoWorker(site, "--rate", "0")
    worker.wait()
    office = Office(site)
    for outcome in ("warned", "held", "refused"):
        office.add_check(name=f"messages {outcome}", words=f"message-{outcome}", outcome=outcome)
        # The demo worker says again what it was asked.
        replies = {"on_messages": "", "on_replies": "on", "words": f"reply-{outcome}"}
        office.add_check(name=f"replies {outcome}", outcome=outcome, **replies)
    office.add_check(name="dry", words="message-dry", dry_run="on")
    yield site, worker.name
    worker.stop()
    site.stop()
    site.remove()


@pytest.fixture(autouse=True)
def service_up(moderation):
    moderation.status = 200
    moderation.calls.clear()


async def test_a_message_that_is_fine_is_answered(moderated, moderation):
    site, model = moderated
    visitor = Visitor(site.url)
    async with visitor.socket() as page:
        accepted = await page.ask('what "is" this?', model)
        reply = await page.until_ended(accepted["reply"])
    assert reply["state"] == "complete"
    assert [body["input"] for _, body in moderation.calls] == ['what "is" this?']


async def test_a_flagged_message_reaches_no_worker_and_is_stored_as_an_event(moderated):
    site, model = moderated
    visitor = Visitor(site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("something forbidden", model)
        reply = await page.until_ended(accepted["reply"])
    assert (reply["state"], reply["failure"]["code"], reply["text"]) == ("failed", "moderation_flagged", "")
    assert "not sent" in reply["failure"]["text"]
    assert site.rows("SELECT outcome, categories FROM chat_moderationevent ORDER BY id DESC LIMIT 1") == [
        ("refused", '["violence"]')
    ]
    assert site.rows("SELECT worker, sent FROM chat_message ORDER BY created DESC LIMIT 1") == [("", None)]


async def test_a_check_that_is_down_refuses_by_default(moderated, moderation):
    site, model = moderated
    moderation.status = 500
    visitor = Visitor(site.url)
    async with visitor.socket() as page:
        accepted = await page.ask("hello", model)
        reply = await page.until_ended(accepted["reply"])
    assert (reply["state"], reply["failure"]["code"]) == ("failed", "moderation_unavailable")
    assert "secret" not in site.log


async def asked(site, model, text):
    """Ask in a new conversation; give how the reply ended, and what a page holds that is opened then."""
    visitor = Visitor(site.url)
    async with visitor.socket() as page:
        accepted = await page.ask(text, model)
        ended = await page.until_ended(accepted["reply"])
    async with visitor.socket() as page:
        await page.send("open", conversation=accepted["conversation"], have=[])
        await page.expect("conversation")
        stored = page.messages[accepted["reply"]]
    assert {name: ended[name] for name in ("state", "text", "failure", "notice")} == {
        name: stored[name] for name in ("state", "text", "failure", "notice")
    }
    return visitor, accepted, ended


def event_of(site, message):
    [event] = site.rows(
        "SELECT check_name, stage, outcome, dry_run FROM chat_moderationevent WHERE message_id = ?"
        " AND check_name != 'moderations'",
        message.replace("-", ""),
    )
    return event


@pytest.mark.parametrize("stage", ["message", "reply"])
async def test_with_a_warning_the_reply_comes_and_a_line_beside_it(moderated, stage):
    site, model = moderated
    _, accepted, reply = await asked(site, model, f"Tell me of {stage}-warned things.")
    assert reply["state"] == "complete"
    assert f"{stage}-warned" in reply["text"]
    assert reply["notice"].startswith(f"Our content check found something in this {stage}.")
    checked, plural = accepted[stage], {"message": "messages", "reply": "replies"}[stage]
    assert event_of(site, checked) == (f"{plural} warned", stage, "warned", 0)


async def test_a_dry_run_lets_all_pass_and_is_stored(moderated):
    site, model = moderated
    _, accepted, reply = await asked(site, model, "Tell me of message-dry things.")
    assert (reply["state"], reply["notice"]) == ("complete", None)
    assert event_of(site, accepted["message"]) == ("dry", "message", "refused", 1)


async def test_a_reply_that_is_refused_is_taken_back_from_the_page(moderated):
    site, model = moderated
    _, accepted, reply = await asked(site, model, "Tell me of reply-refused things.")
    assert (reply["state"], reply["failure"]["code"], reply["text"]) == ("failed", "reply_refused", "")
    assert "is not shown" in reply["failure"]["text"]
    [(kept,)] = site.rows(
        "SELECT text FROM chat_withheldreply WHERE message_id = ?", accepted["reply"].replace("-", "")
    )
    assert "reply-refused" in kept
    assert event_of(site, accepted["reply"]) == ("replies refused", "reply", "refused", 0)


async def test_stopping_a_reply_does_not_spare_it_the_check(moderated):
    site, _ = moderated
    visitor = Visitor(site.url)
    slow = DemoWorker(site, "--rate", "20", name="slow")
    slow.wait()
    async with visitor.socket() as page:
        accepted = await page.ask("reply-refused " * 5 + "Tell me more.", slow.name)
        await page.until(accepted["reply"], lambda held: "reply-refused " in held["text"])
        await page.send("stop", message=accepted["reply"])
        reply = await page.until_ended(accepted["reply"])
    slow.stop()
    assert (reply["state"], reply["failure"]["code"], reply["text"]) == ("failed", "reply_refused", "")


async def test_a_held_message_is_answered_once_a_moderator_lets_it_through(moderated):
    site, model = moderated
    visitor, accepted, reply = await asked(site, model, "Tell me of message-held things.")
    assert (reply["state"], reply["failure"]["code"]) == ("failed", "message_held")
    assert "waits for a moderator" in reply["failure"]["text"]

    async def again(page):
        again = {"client_id": str(uuid.uuid4()), "message": accepted["reply"]}
        await page.send("regenerate", **again)
        return await page.until_ended((await page.expect("accepted"))["reply"])

    async with visitor.socket() as page:
        assert (await again(page))["failure"]["code"] == "message_held"
        assert event_of(site, accepted["message"]) == ("messages held", "message", "held", 0)
        Office(site).decide("dismissed", "held")
        answered = await again(page)
    assert answered["state"] == "complete"
    assert "message-held" in answered["text"]


async def test_a_held_message_that_a_moderator_refuses_is_refused_however_often_it_is_asked(moderated):
    site, model = moderated
    visitor, accepted, _ = await asked(site, model, "Tell me of other message-held things.")
    Office(site).decide("upheld", "held")
    async with visitor.socket() as page:
        await page.send("open", conversation=accepted["conversation"], have=[])
        await page.expect("conversation")
        assert page.messages[accepted["reply"]]["failure"]["code"] == "moderation_flagged"
        await page.send("regenerate", client_id=str(uuid.uuid4()), message=accepted["reply"])
        reply = await page.until_ended((await page.expect("accepted"))["reply"])
    assert reply["failure"]["code"] == "moderation_flagged"


async def test_a_held_reply_comes_back_once_a_moderator_lets_it_through(moderated):
    site, model = moderated
    visitor, accepted, reply = await asked(site, model, "Tell me of reply-held things.")
    assert (reply["state"], reply["failure"]["code"], reply["text"]) == ("failed", "reply_held", "")
    async with visitor.socket() as page:
        await page.send("open", conversation=accepted["conversation"], have=[])
        await page.expect("conversation")
        await asyncio.to_thread(Office(site).decide, "dismissed", "held")
        shown = await page.until(accepted["reply"], lambda held: held["state"] == "complete")
    assert shown["failure"] is None
    assert "reply-held" in shown["text"]


async def test_a_later_prompt_holds_nothing_of_what_was_kept_back(moderated):
    site, model = moderated
    visitor, accepted, _ = await asked(site, model, "Tell me of reply-refused things.")
    async with visitor.socket() as page:
        more = await page.ask("And now?", model, conversation=accepted["conversation"])
        reply = await page.until_ended(more["reply"])
    assert reply["state"] == "complete"
    told = visitor.http.get(f"{site.url}/replies/{more['reply']}/").json()
    assert "reply-refused" not in json.dumps(told["prompt"])


def test_what_a_check_costs_is_in_the_metrics(moderated):
    site, _ = moderated
    told = scrape(site)
    labels = {"check": "messages warned", "dry_run": "false", "outcome": "warned", "stage": "message"}
    assert told.sum("mmchat_moderation_decisions_total", **labels) == 1
    assert told.sum("mmchat_moderation_seconds_count", check="moderations") > 5
