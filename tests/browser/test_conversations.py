"""Conversations have addresses, Clear begins a new one, History leads back."""

import re

from playwright.sync_api import expect


def history(chat):
    chat.button("History").click()
    return chat.page.get_by_role("dialog", name="Earlier chats")


def test_clear_begins_anew_and_history_leads_back(chat, worker):
    worker.will_say("A reply to keep.")
    chat.ask_and_wait("A question to keep")
    chat.expect_own_address()
    first = chat.page.url
    chat.button("Clear").click()
    expect(chat.page).to_have_url(f"{chat.url}/")
    expect(chat.questions).to_have_count(0)
    expect(chat.message).to_be_focused()
    expect(chat.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()

    chat.ask_and_wait("Something else")
    expect(chat.page).not_to_have_url(first)
    history(chat).get_by_role("link", name="A question to keep").click()
    expect(chat.page).to_have_url(first)
    chat.expect_text("A reply to keep.")
    expect(chat.page).to_have_title(re.compile("A question to keep"))


def test_back_and_forward_move_between_conversations(chat, worker):
    worker.will_say("First reply.")
    worker.will_say("Second reply.")
    chat.ask_and_wait("First")
    chat.button("Clear").click()
    chat.ask_and_wait("Second")
    chat.page.go_back()
    expect(chat.questions).to_have_count(0)
    chat.page.go_back()
    chat.expect_text("First reply.")
    chat.page.go_forward()
    chat.page.go_forward()
    chat.expect_text("Second reply.")


def test_clear_in_mid_reply_leaves_the_reply_to_its_conversation(chat, worker):
    worker.will_say("A long one.")
    chat.ask("First")
    chat.button("Clear").click()
    worker.will_say("Only this.")
    chat.ask_and_wait("Second")
    chat.expect_text("Only this.")
    expect(chat.questions).to_have_count(1)
    history(chat).get_by_role("link", name="First").click()
    chat.expect_text("A long one.")


def test_history_of_a_new_visitor_says_that_it_is_empty(chat):
    expect(history(chat).get_by_text("Nothing here yet.")).to_be_visible()
    chat.expect_accessible()
    chat.button("Close").click()
    expect(chat.page.get_by_role("dialog")).to_be_hidden()
    expect(chat.button("History")).to_be_focused()


def test_history_marks_where_the_visitor_is(chat):
    chat.ask_and_wait("Right here")
    chat.expect_own_address()
    link = history(chat).get_by_role("link", name="Right here")
    expect(link).to_have_attribute("aria-current", "page")
    chat.expect_accessible()
    chat.picture("history")


def test_somebody_elses_conversation_is_the_same_page_as_none(chat, open_page):
    chat.ask_and_wait("Private")
    chat.expect_own_address()
    path = chat.page.url.removeprefix(chat.url)
    stranger = open_page()
    stranger.allow("404 (Not Found)")
    stranger.visit(path)
    theirs = stranger.page.locator("main").inner_text()
    stranger.visit("/c/00000000-0000-4000-8000-000000000000/")
    assert stranger.page.locator("main").inner_text() == theirs
    assert "Private" not in theirs
