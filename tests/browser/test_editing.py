"""An earlier message can be written anew: a branch, beside which the old one stays."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.long_conversations import lengthen
from tests.browser.scripted_worker import Hold

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(params=["desktop", "phone"])
def chat(request, open_page, worker):
    return open_page(**(PHONE if request.param == "phone" else {}))


def edit(chat, place=-1):
    chat.page.get_by_role("button", name="Edit", exact=True).nth(place).click()


def expect_questions(chat, *texts):
    expect(chat.questions.locator(".question-text")).to_have_text(list(texts))


def turn_back(chat):
    chat.button("Previous version").click()


def test_a_message_that_is_changed_becomes_a_branch_and_the_old_one_stays(chat, worker):
    for words in ("Answer A.", "Answer B.", "Answer C."):
        worker.will_say(words)
    chat.ask_and_wait("First")
    chat.ask_and_wait("Secnod")
    edit(chat)
    expect(chat.message).to_have_value("Secnod")
    expect(chat.message).to_be_focused()
    expect(chat.page.get_by_text("You are changing an earlier message.")).to_be_visible()
    chat.expect_accessible()
    chat.picture("editing")
    chat.ask("Second")
    chat.expect_text("Answer C.")
    chat.expect_state("complete")
    expect_questions(chat, "First", "Second")
    expect(chat.questions.last.get_by_text("2 / 2")).to_be_visible()
    expect(chat.page.get_by_text("You are changing an earlier message.")).to_be_hidden()
    assert "Secnod" not in worker.requests[-1]["prompt"]

    turn_back(chat)
    expect_questions(chat, "First", "Secnod")
    chat.expect_text("Answer B.")
    expect(chat.button("Previous version")).to_be_disabled()
    chat.expect_accessible()
    chat.button("Next version").click()
    expect_questions(chat, "First", "Second")


def test_the_first_message_can_be_changed_and_its_old_branch_is_there_after_a_reload(chat, worker):
    for words in ("Old one.", "Old two.", "New."):
        worker.will_say(words)
    chat.ask_and_wait("Old first")
    chat.ask_and_wait("Old second")
    edit(chat, 0)
    chat.ask("New first")
    chat.expect_text("New.")
    chat.expect_state("complete")
    expect_questions(chat, "New first")
    chat.expect_own_address()
    chat.reload()
    expect_questions(chat, "New first")
    turn_back(chat)
    expect_questions(chat, "Old first", "Old second")
    chat.expect_text("Old two.")


def test_going_on_from_an_old_branch_stays_on_it(chat, worker):
    for words in ("One.", "Two.", "Three."):
        worker.will_say(words)
    chat.ask_and_wait("Old")
    edit(chat)
    chat.ask("New")
    chat.expect_text("Two.")
    chat.expect_state("complete")
    turn_back(chat)
    chat.ask_and_wait("And then?")
    expect_questions(chat, "Old", "And then?")
    assert "New" not in worker.requests[-1]["prompt"]


def test_the_pictures_of_a_message_come_along_and_can_be_removed(chat, worker):
    chat.add_image("chart.png", "shapes.png")
    chat.ask_and_wait("Compare them")
    edit(chat)
    expect(chat.thumbnails).to_have_count(2)
    chat.button("Remove shapes.png").click()
    chat.ask("Only this one")
    expect(chat.questions.get_by_role("img")).to_have_count(1)
    chat.expect_state("complete")
    assert len(worker.requests[-1]["images"]) == 1


def test_what_was_in_the_box_comes_back_after_the_change(chat, worker):
    chat.ask_and_wait("First")
    chat.write("Half a thought")
    edit(chat)
    expect(chat.message).to_have_value("First")
    chat.button("Cancel").click()
    expect(chat.message).to_have_value("Half a thought")
    edit(chat)
    chat.ask("First, better")
    expect_questions(chat, "First, better")
    expect(chat.message).to_have_value("Half a thought")


def test_a_change_that_was_begun_survives_a_reload(chat, worker):
    chat.ask_and_wait("First")
    chat.expect_own_address()
    edit(chat)
    chat.write("First, but")
    chat.reload()
    expect(chat.message).to_have_value("First, but")
    expect(chat.page.get_by_text("You are changing an earlier message.")).to_be_visible()
    chat.button("Send").click()
    expect(chat.questions.last.get_by_text("2 / 2")).to_be_visible()
    expect_questions(chat, "First, but")


def test_another_tab_follows_the_change(chat, worker, open_page):
    chat.ask_and_wait("First")
    chat.ask_and_wait("Second")
    chat.expect_own_address()
    other = open_page(chat.page.url.removeprefix(chat.url), context=chat.page.context)
    expect_questions(other, "First", "Second")
    hold = Hold()
    worker.will_say("Seen ", hold, "by both.")
    edit(chat, 0)
    chat.ask("Anew")
    for tab in (chat, other):
        expect_questions(tab, "Anew")
        expect(tab.questions.get_by_text("2 / 2")).to_be_visible()
    hold.set()
    for tab in (chat, other):
        tab.expect_text("Seen by both.")
        tab.expect_state("complete")
    turn_back(other)
    expect_questions(other, "First", "Second")
    expect_questions(chat, "Anew")


def test_a_long_conversation_shows_its_end_and_the_rest_as_one_scrolls_up(chat, worker, site):
    chat.ask_and_wait("Where it began")
    chat.expect_own_address()
    lengthen(site, re.search(r"[0-9a-f-]{36}", chat.page.url)[0], turns=60)
    chat.reload()
    expect(chat.page.get_by_text("answer 60", exact=True)).to_be_in_viewport()
    assert chat.questions.count() < 60
    expect(chat.page.get_by_text("Where it began", exact=True).locator("visible=true")).to_have_count(
        1
    )  # title
    while chat.questions.count() < 61:
        before = chat.questions.count()
        first = chat.questions.first
        first.scroll_into_view_if_needed()
        words, place = first.locator(".question-text").inner_text(), first.bounding_box()["y"]
        chat.page.mouse.wheel(0, -50)
        chat.page.wait_for_function("(n) => document.querySelectorAll('.question').length > n", arg=before)
        same = chat.log.get_by_text(words, exact=True)
        assert abs(same.bounding_box()["y"] - place) < 200, "the page jumped"
    expect(chat.questions.first.locator(".question-text")).to_have_text("Where it began")
    chat.expect_accessible({"runOnly": ["wcag2a", "wcag2aa"]})
