"""Continue under a reply that broke off: the rest comes behind it, and the old one stays a variant."""

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Cut, Hold, ScriptedWorker


def test_a_stopped_reply_is_continued(chat, worker):
    held = Hold()
    worker.will_say("The first half,", held, " never said.")
    worker.will_say(" and the second.")
    chat.ask("Tell me.")
    chat.expect_text("The first half,")
    expect(chat.button("Continue")).to_be_hidden()
    chat.button("Stop").click()
    expect(chat.reply.get_by_text("This reply was stopped.")).to_be_visible()
    chat.expect_accessible()
    chat.picture("continue")
    held.set()

    chat.button("Continue").press("Enter")
    chat.expect_text("The first half, and the second.")
    chat.expect_state("complete")
    assert worker.requests[-1]["prompt"].endswith("The first half,")
    expect(chat.reply.get_by_text("2 / 2")).to_be_visible()
    expect(chat.button("Continue")).to_be_hidden()
    chat.button("Previous reply").click()
    chat.expect_text("The first half,")
    expect(chat.button("Continue")).to_be_visible()


def test_a_complete_reply_offers_no_continue(chat, worker):
    chat.ask_and_wait()
    expect(chat.button("Regenerate")).to_be_visible()
    expect(chat.button("Continue")).to_be_hidden()


@pytest.mark.parametrize(("protocol", "goes_on"), [("fastchat", True), ("internvl2", False)])
def test_a_reply_that_its_limit_of_tokens_ended_says_so_and_what_to_do(
    open_page, start_site, protocol, goes_on
):
    site, worker = start_site(), ScriptedWorker("some-model", protocol=protocol)
    worker.register(site.controller)
    site.wait_for_model()
    chat = open_page(site=site)
    worker.will_say("Once upon", Cut(" a"))
    chat.ask_and_wait("Tell me.")
    told = chat.reply.get_by_text("The limit of tokens ended this reply.")
    expect(told).to_be_visible()
    chat.expect_accessible()
    chat.reload()
    expect(told).to_be_visible()
    expect(chat.button("Continue")).to_be_visible(visible=goes_on)
    if goes_on:
        worker.will_say(" time.")
        chat.button("Continue").click()
        chat.expect_text("Once upon a time.")
        chat.expect_state("complete")
        expect(told).to_be_hidden()
    worker.close()


def test_a_worker_that_answers_nothing_at_all_completes_no_reply(chat, worker):
    held = Hold()
    worker.will_say("The first half,", held)
    chat.ask("Tell me.")
    chat.expect_text("The first half,")
    chat.button("Stop").click()
    chat.expect_state("stopped")
    held.set()
    worker.will_say()
    chat.button("Continue").click()
    chat.expect_state("failed")
    chat.expect_text("The first half,")
    worker.will_say("")
    chat.button("Continue").click()
    chat.expect_state("complete")
    chat.expect_text("The first half,")
