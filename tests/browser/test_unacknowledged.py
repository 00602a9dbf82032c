"""What visitors do while the site has not acknowledged what they did before, and while a connection goes."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lines import Lines
from tests.browser.scripted_worker import Hold


@pytest.fixture
def lines(chat):
    lines = Lines(chat)
    chat.reload()
    chat.wait_for_connection()
    return lines


@pytest.fixture
def two_replies(chat, worker, lines):
    """A conversation whose page holds the second of two replies to one question."""
    worker.will_say("First try.")
    worker.will_say("Second try.")
    chat.ask_and_wait()
    chat.button("Regenerate").click()
    chat.expect_text("Second try.")
    chat.expect_state("complete")
    chat.expect_own_address()
    chat.reload()
    chat.expect_text("Second try.")
    expect(chat.reply.get_by_text("2 / 2")).to_be_visible()
    lines.asked.clear()
    return re.search(r"[0-9a-f-]{36}", chat.page.url)[0]


def ask_for_the_branch_while_the_other_is_on_its_way(chat, lines, conversation):
    lines.say(type="missed", conversation=conversation)
    lines.keep_back()
    lines.wait_for('"type":"conversation"')
    chat.button("Previous reply").click()
    lines.wait_for_asked(2, "open")


def test_the_branch_asked_for_last_stays_also_after_a_lost_connection(chat, lines, two_replies):
    ask_for_the_branch_while_the_other_is_on_its_way(chat, lines, two_replies)
    lines.wait_for("First try.")
    lines.let_go()
    chat.expect_text("First try.")
    lines.asked.clear()
    lines.cut()
    lines.wait_for_asked(1, "open")
    assert lines.asked[0]["at"] is not None
    chat.expect_text("First try.")


def test_a_branch_that_the_site_could_not_read_is_asked_for_again(chat, lines, two_replies):
    refusals = [{"type": "error", "code": "storage_unavailable", "text": "In a moment."}]
    fields = {"field": None, "limit": None, "seconds": None, "client_id": None}
    lines.answer(lambda frame: {**refusals.pop(), **fields} if frame.get("at") and refusals else None)
    ask_for_the_branch_while_the_other_is_on_its_way(chat, lines, two_replies)
    lines.let_go()
    chat.expect_text("First try.")
    assert not refusals


def test_a_reply_asked_for_on_another_branch_before_a_lost_connection_is_on_screen_after_it(
    chat, worker, lines, two_replies
):
    hold = Hold()
    worker.will_say("Third ", hold, "try.")
    chat.button("Previous reply").click()
    chat.expect_text("First try.")
    lines.keep_back()
    chat.button("Regenerate").click()
    lines.wait_for('"accepted"')
    lines.cut()
    lines.wait_for('"accepted"')
    lines.let_go()
    chat.expect_text("Third")
    hold.set()
    chat.expect_text("Third try.")


def test_stop_that_went_with_the_connection_is_sent_over_the_next(chat, worker, lines):
    worker.will_say("On and on", Hold())
    chat.ask("Speak.")
    chat.expect_text("On and on")
    lines.answer(lambda frame: "" if frame["type"] == "stop" else None)
    chat.button("Stop").click()
    lines.wait_for_asked(1, "stop")
    lines.answer(lambda frame: None)
    lines.cut()
    chat.expect_state("stopped")


def test_what_was_asked_before_the_visitor_went_on_is_not_followed_after_a_lost_connection(
    chat, worker, lines
):
    hold = Hold()
    worker.will_say("Here ", hold, "it goes on.")
    chat.ask("Here")
    chat.expect_text("Here")
    chat.expect_own_address()
    here = chat.page.url
    chat.button("Clear").click()
    lines.answer(lambda frame: "" if frame["type"] == "send" else None)
    chat.ask("Elsewhere")
    lines.wait_for_asked(2, "send")
    chat.page.go_back()
    expect(chat.page).to_have_url(here)
    chat.expect_text("Here")
    lines.answer(lambda frame: None)
    lines.asked.clear()
    lines.cut()
    lines.wait_for_asked(1, "open")
    assert [frame["type"] for frame in lines.asked] == ["send", "open"]
    hold.set()
    chat.expect_text("Here it goes on.")


def test_a_refusal_of_the_conversation_before_is_not_told_of_a_new_one(chat, site, lines):
    chat.ask_and_wait("Gone soon")
    chat.expect_own_address()
    chat.button("Clear").click()
    site.change("UPDATE chat_conversation SET deleted = CURRENT_TIMESTAMP WHERE title = 'Gone soon'")
    lines.keep_back()
    chat.page.go_back()
    lines.wait_for("not_found")
    chat.page.go_forward()
    lines.wait_for_asked(2, "leave")
    lines.let_go()
    chat.ask_and_wait("Something else")
    expect(chat.page.get_by_text("This conversation does not exist.")).to_be_hidden()


def test_a_message_that_nothing_answers_goes_out_over_another_connection_and_over_a_third(
    chat, worker, lines
):
    chat.page.clock.install()
    chat.reload()
    chat.wait_for_connection()
    lines.answer(lambda frame: "" if frame["type"] == "send" else None)
    chat.ask("Only once, please.")
    lines.wait_for_asked(1, "send")
    chat.page.clock.fast_forward(16_000)
    lines.wait_for_asked(2, "send")
    lines.answer(lambda frame: None)
    chat.page.clock.fast_forward(31_000)
    lines.wait_for_asked(3, "send")
    chat.expect_text("This is my answer.")
    expect(chat.questions).to_have_count(1)
    assert len(worker.requests) == 1


def test_an_image_added_while_a_message_is_under_way_waits_there_when_the_visitor_goes_on(chat, lines):
    chat.ask_and_wait("Here")
    chat.expect_own_address()
    lines.keep_back()
    chat.ask("Under way")
    chat.add_image("chart.png")
    chat.button("Clear").click()
    expect(chat.thumbnails).to_have_count(0)
    lines.wait_for('"accepted"')
    lines.let_go()
    chat.page.go_back()
    expect(chat.questions.last.locator(".question-text")).to_have_text("Under way")
    expect(chat.message).to_have_value("")
    expect(chat.thumbnails).to_have_count(1)


def test_terms_accepted_after_the_visitor_went_on_send_nothing_of_what_is_written_there(chat, worker, terms):
    chat.ask_and_wait("First")
    chat.expect_own_address()
    chat.write("Not to be sent")
    chat.button("Clear").click()
    terms("late", "Be kind.")
    chat.page.wait_for_timeout(1100)  # so long a process may keep the version before
    chat.reload()
    dialog = chat.page.get_by_role("dialog", name="Terms of use")
    chat.ask("Second")
    expect(dialog).to_be_visible()
    chat.page.go_back()
    expect(chat.message).to_have_value("Not to be sent")
    chat.button("Accept").click()
    expect(dialog).to_be_hidden()
    chat.page.wait_for_timeout(500)
    expect(chat.message).to_have_value("Not to be sent")
    assert len(worker.requests) == 1
    chat.page.go_forward()
    expect(chat.message).to_have_value("Second")
