"""What was written and not sent stays with its conversation, through reloads and lost networks."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.cable import Cable
from tests.browser.chat_page import EXAMPLES
from tests.running import wait_until


@pytest.fixture
def chat(open_page, worker, size):
    """The start page of a new visitor, once on a desktop and once on a phone."""
    return open_page(**size)


def conversation_of(chat):
    chat.expect_own_address()
    return chat.page.url.removeprefix(chat.url)


def open_from_history(chat, title):
    chat.button("History").click()
    chat.page.get_by_role("dialog", name="Earlier chats").get_by_role("link", name=title).click()


def test_each_conversation_has_its_own_draft_with_its_pictures(chat, worker):
    chat.ask_and_wait("About cats")
    chat.expect_own_address()
    chat.write("More about cats")
    chat.add_image("chart.png")
    chat.button("Clear").click()
    expect(chat.message).to_have_value("")
    expect(chat.thumbnails).to_have_count(0)
    chat.write("Something new")
    open_from_history(chat, "About cats")
    expect(chat.message).to_have_value("More about cats")
    expect(chat.thumbnails).to_have_count(1)
    chat.reload()
    expect(chat.message).to_have_value("More about cats")
    expect(chat.thumbnails).to_have_count(1)
    chat.button("Clear").click()
    expect(chat.message).to_have_value("Something new")
    chat.ask_and_wait("Something new")
    chat.button("Clear").click()
    expect(chat.message).to_have_value("")


def test_two_tabs_have_drafts_of_their_own(chat, worker, open_page):
    chat.ask_and_wait("Shared")
    other = open_page(conversation_of(chat), context=chat.page.context)
    expect(other.questions).to_have_count(1)
    chat.write("from here")
    other.write("from there")
    for tab, text in ((chat, "from here"), (other, "from there")):
        tab.reload()
        expect(tab.message).to_have_value(text)


@pytest.fixture
def cable(site):
    cable = Cable(site.port)
    yield cable
    cable.close()


def test_a_message_under_way_does_not_follow_to_another_conversation(open_page, worker, cable, size):
    chat = open_page(at=cable.url, **size)
    chat.allow("WebSocket connection")
    chat.allow("Failed to load resource")
    chat.ask_and_wait("Here")
    chat.expect_own_address()
    cable.cut()
    expect(chat.page.get_by_text("Reconnecting…")).to_be_visible()
    chat.ask("Sent from here")
    chat.button("Clear").click()
    expect(chat.message).to_have_value("")
    chat.write("Written elsewhere")
    cable.mend()
    chat.wait_for_connection()
    open_from_history(chat, "Here")
    expect(chat.questions.last.locator(".question-text")).to_have_text("Sent from here")
    expect(chat.message).to_have_value("")
    chat.button("Clear").click()
    expect(chat.message).to_have_value("Written elsewhere")


def test_what_is_composed_with_an_input_method_survives_a_reload_and_is_not_sent(chat, worker):
    keyboard = chat.page.context.new_cdp_session(chat.page)
    chat.wait_for_connection()
    chat.message.focus()
    for typed, chosen in (("tupian", "图片"), ("がぞう", "画像")):
        composed = {"text": typed, "selectionStart": len(typed), "selectionEnd": len(typed)}
        keyboard.send("Input.imeSetComposition", composed)
        enter = {"key": "Enter", "windowsVirtualKeyCode": 229}
        keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
        keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
        keyboard.send("Input.insertText", {"text": chosen})
    expect(chat.message).to_have_value("图片画像")
    chat.reload()
    expect(chat.message).to_have_value("图片画像")
    expect(chat.questions).to_have_count(0)
    assert worker.requests == []


def test_the_draft_of_a_deleted_conversation_is_gone_with_it(chat, worker):
    chat.ask_and_wait("Gone soon")
    chat.expect_own_address()
    chat.write("Gone too")
    chat.button("Delete this conversation").click()
    chat.page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(chat.questions).to_have_count(0)
    kept = chat.page.evaluate("JSON.stringify(sessionStorage)")
    assert "Gone too" not in kept


def test_being_offline_shows_at_once_and_what_is_written_then_goes_out_once(chat, worker):
    chat.allow("ERR_INTERNET_DISCONNECTED")
    chat.allow("WebSocket connection")
    chat.wait_for_connection()
    chat.page.context.set_offline(True)
    expect(chat.page.get_by_text("You are offline.")).to_be_visible()
    chat.expect_accessible()
    chat.picture(f"offline-{chat.page.viewport_size['width']}")
    chat.ask("Written in a tunnel")
    chat.page.context.set_offline(False)
    chat.expect_text("This is my answer.")
    expect(chat.page.get_by_text("You are offline.")).to_be_hidden()
    expect(chat.questions).to_have_count(1)
    assert len(worker.requests) == 1


class HeldSocket:
    """Keeps back the messages that a page sends to the models, until they are let go."""

    def __init__(self, page) -> None:
        self._waiting = []
        self._holds = True
        page.route_web_socket(re.compile("/ws/chat/"), self._take)

    def _take(self, socket) -> None:
        server = socket.connect_to_server()

        def pass_on(frame):
            if self._holds and json.loads(frame)["type"] == "send":
                self._waiting.append((server, frame))
            else:
                server.send(frame)

        socket.on_message(pass_on)

    def let_go(self) -> None:
        self._holds = False
        for server, frame in self._waiting:
            server.send(frame)


def test_an_image_that_comes_while_a_message_is_under_way_is_for_the_next_one(chat, worker):
    held = HeldSocket(chat.page)
    chat.reload()
    chat.wait_for_connection()
    chat.ask("The first one")
    expect(chat.page.get_by_text("Sending…")).to_be_visible()
    chat.add_image("chart.png")
    held.let_go()
    chat.expect_state("complete")
    expect(chat.message).to_have_value("")
    expect(chat.thumbnails).to_have_count(1)
    chat.ask_and_wait("The second one")
    expect(chat.thumbnails).to_have_count(0)
    expect(chat.questions.nth(0).locator("img")).to_have_count(0)
    expect(chat.questions.nth(1).locator("img")).to_have_count(1)
    assert len(worker.requests) == 2
    chat.button("Clear").click()
    expect(chat.thumbnails).to_have_count(0)


def test_an_image_on_its_way_stays_with_the_draft_that_it_was_added_to(chat, worker):
    chat.ask_and_wait("Other things")
    chat.expect_own_address()
    chat.button("Clear").click()
    uploads = []
    chat.page.route("**/uploads/", lambda route: uploads.append(route))
    with chat.page.expect_request("**/uploads/"):
        chat.button("Add image").set_input_files(EXAMPLES / "chart.png")
    chat.write("About a chart")
    open_from_history(chat, "Other things")
    expect(chat.questions).to_have_count(1)
    expect(chat.thumbnails).to_have_count(0)
    with chat.page.expect_response("**/uploads/"):
        uploads[0].continue_()
    expect(chat.thumbnails).to_have_count(0)
    chat.button("Clear").click()
    expect(chat.message).to_have_value("About a chart")
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")
    chat.reload()
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")
    chat.ask_and_wait("About a chart")
    expect(chat.questions.locator("img")).to_have_count(1)


def test_an_image_on_its_way_comes_back_after_an_earlier_message_was_looked_at(chat, worker):
    chat.ask_and_wait("Earlier")
    uploads = []
    chat.page.route("**/uploads/", lambda route: uploads.append(route))
    with chat.page.expect_request("**/uploads/"):
        chat.button("Add image").set_input_files(EXAMPLES / "chart.png")
    chat.questions.first.hover()
    chat.button("Edit").click()
    expect(chat.message).to_have_value("Earlier")
    expect(chat.thumbnails).to_have_count(0)
    chat.button("Cancel").click()
    expect(chat.thumbnails).to_have_attribute("data-state", "uploading")
    uploads[0].continue_()
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")


def test_an_example_whose_pictures_come_late_leaves_what_was_asked_meanwhile_alone(chat, worker):
    pictures = []
    chat.page.get_by_role("button", name=re.compile("receipt", re.IGNORECASE)).first.wait_for()
    chat.page.route("**/static/examples/*", lambda route: pictures.append(route))
    chat.page.get_by_role("button", name=re.compile("receipt", re.IGNORECASE)).first.click()
    wait_until(lambda: chat.page.evaluate("1") and pictures)
    chat.ask_and_wait("My own")
    for picture in pictures:
        picture.continue_()
    chat.page.wait_for_timeout(500)
    expect(chat.message).to_have_value("")
    expect(chat.thumbnails).to_have_count(0)


def test_no_half_of_a_character_ends_the_title(chat, worker):
    chat.ask_and_wait("a" * 59 + "😀😀 and so on")
    chat.expect_own_address()
    assert chat.page.evaluate("document.title.isWellFormed()")
