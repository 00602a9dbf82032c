"""Reloads, second tabs, lost networks: the text on screen stays the site's, and nothing is asked twice."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.cable import Cable
from tests.browser.scripted_worker import Hold
from tests.running import wait_until

ASTRAL = "🦜 says 你好, "


@pytest.fixture
def cable(site):
    cable = Cable(site.port)
    yield cable
    cable.close()


@pytest.fixture
def wired(open_page, worker, cable):
    """A visitor whose connection to the site can be cut."""
    chat = open_page(at=cable.url)
    chat.allow("WebSocket connection")
    chat.allow("Failed to load resource")  # pictures and styles that were on their way when the line was cut
    chat.allow("Couldn't load preload assets")  # axe asks for such styles as well
    chat.wait_for_connection()
    return chat


def test_a_reload_in_mid_reply_goes_on_where_it_is(chat, worker):
    hold = Hold()
    worker.will_say(ASTRAL, hold, "then goes on.")
    chat.ask("Speak.")
    chat.expect_text(ASTRAL.strip())
    chat.expect_own_address()
    chat.reload()
    chat.expect_text(ASTRAL.strip())
    hold.set()
    chat.expect_text(f"{ASTRAL}then goes on.")
    chat.expect_state("complete")
    expect(chat.questions).to_have_count(1)
    assert len(worker.requests) == 1


def test_two_tabs_show_the_same(chat, worker, open_page):
    hold = Hold()
    worker.will_say("Both tabs ", hold, "see this.")
    chat.ask("Speak.")
    chat.expect_text("Both tabs")
    chat.expect_own_address()
    other = open_page(chat.page.url.removeprefix(chat.url), context=chat.page.context)
    other.expect_text("Both tabs")
    hold.set()
    for tab in (chat, other):
        tab.expect_text("Both tabs see this.")
        tab.expect_state("complete")

    worker.will_say("Asked here, seen there.")
    other.ask("And now?")
    for tab in (chat, other):
        tab.expect_text("Asked here, seen there.")
        tab.expect_state("complete")  # else the last button is that of the reply before
        expect(tab.questions).to_have_count(2)

    chat.button("Upvote").last.click()
    expect(other.button("Upvote").last).to_have_attribute("aria-pressed", "true")


def test_a_lost_connection_is_told_and_the_reply_catches_up(wired, worker, cable):
    hold = Hold()
    worker.will_say(ASTRAL, hold, "and this came while you were away.")
    wired.ask("Speak.")
    wired.expect_text(ASTRAL.strip())
    cable.cut()
    expect(wired.page.get_by_text("Reconnecting…")).to_be_visible()
    wired.expect_accessible()
    hold.set()
    cable.mend()
    wired.expect_text(f"{ASTRAL}and this came while you were away.")
    wired.expect_state("complete")
    expect(wired.page.get_by_text("Reconnecting…")).to_be_hidden()


def test_a_message_whose_answer_is_lost_is_asked_once(wired, worker, cable):
    cable.lose_answers()
    wired.ask("Only once, please.")
    expect(wired.page.get_by_text("Sending…")).to_be_visible()
    expect(wired.message).to_have_value("Only once, please.")
    _wait_for_request(worker)
    cable.mend()
    wired.expect_text("This is my answer.")
    expect(wired.questions).to_have_count(1)
    expect(wired.message).to_have_value("")
    assert len(worker.requests) == 1


def test_a_message_written_without_a_connection_goes_out_with_the_next(wired, worker, cable):
    cable.cut()
    expect(wired.page.get_by_text("Reconnecting…")).to_be_visible()
    wired.ask("Are you there?")
    expect(
        wired.page.get_by_text("No connection. Your message goes out as soon as there is one.")
    ).to_be_visible()
    cable.mend()
    wired.expect_text("This is my answer.")
    assert len(worker.requests) == 1


def test_a_draft_sent_before_a_reload_is_the_same_message_after_it(wired, worker, cable):
    cable.lose_answers()
    wired.ask("Said before the reload.")
    _wait_for_request(worker)
    wired.visit("about:blank")
    cable.mend()
    wired.visit("/")
    expect(wired.message).to_have_value("Said before the reload.")
    wired.button("Send").click()
    wired.expect_text("This is my answer.")
    expect(wired.questions).to_have_count(1)
    assert len(worker.requests) == 1


def test_a_draft_survives_a_reload_with_its_picture(chat, worker):
    chat.add_image("chart.png")
    chat.write("Not sent yet")
    chat.reload()
    expect(chat.message).to_have_value("Not sent yet")
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")
    chat.button("Send").click()
    chat.expect_text("This is my answer.")
    assert len(worker.requests[0]["images"]) == 1


def test_stop_pressed_without_a_connection_is_sent_with_the_next(wired, worker, cable):
    worker.will_say("On and on", Hold())
    wired.ask("Speak.")
    wired.expect_text("On and on")
    cable.cut()
    expect(wired.page.get_by_text("Reconnecting…")).to_be_visible()
    wired.button("Stop").click()
    cable.mend()
    wired.expect_state("stopped")


def test_the_site_restarts_and_the_page_comes_back(start_site, open_page):
    site = start_site("--demo")
    site.wait_for_model()
    chat = open_page(site=site)
    chat.allow("WebSocket connection")
    chat.allow("ERR_CONNECTION_REFUSED")
    chat.ask_and_wait("Before the restart.")
    site.stop()
    site.start()
    site.wait_for_model()
    chat.ask_and_wait("After the restart.")
    expect(chat.questions).to_have_count(2)


def test_the_site_is_killed_and_the_page_asks_once_for_what_there_is(start_site, open_page):
    site = start_site("--demo")
    site.wait_for_model()
    chat = open_page("about:blank", site=site)
    chat.allow("WebSocket connection")
    chat.allow("ERR_CONNECTION_REFUSED")
    asked = []
    # Told of before the page opens its socket: of one that is open already nothing would be heard.
    chat.page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda frame: asked.append(json.loads(frame)["type"])),
    )
    chat.visit()
    chat.ask("count to 2000")
    chat.expect_text(re.compile("30, 31"))
    site.kill()
    site.start()
    # It holds more of the text than was written, and the site takes some seconds to know that nothing follows.
    expect(chat.button("Continue")).to_be_visible(timeout=10_000)
    expect(chat.button("Regenerate")).to_be_visible()
    assert asked == ["send", "open"]


def test_a_page_of_another_version_offers_to_reload(wired, cable):
    cable.garble(b'"version": "0.', b'"version": "9.')
    wired.reload()
    expect(wired.page.get_by_text("This site has been updated.")).to_be_visible()
    cable.garble(b"", b"")
    wired.button("Reload").click()
    wired.wait_for_connection()
    expect(wired.page.get_by_text("This site has been updated.")).to_be_hidden()


def test_a_page_that_lost_its_cookie_offers_to_reload(wired, cable):
    wired.page.context.clear_cookies()
    cable.cut()
    cable.mend()
    expect(wired.page.get_by_text("This page needs its cookie to go on.")).to_be_visible()
    wired.button("Reload").click()
    wired.wait_for_connection()


def test_one_tab_too_many_says_so(chat, open_page):
    tabs = [chat, *(open_page(context=chat.page.context) for _ in range(4))]
    for tab in tabs[:4]:
        tab.wait_for_connection()
    expect(
        tabs[4].page.get_by_text("This site is open in too many tabs. Close some of them.")
    ).to_be_visible()
    chat.page.close()
    tabs[4].wait_for_connection()


def test_a_page_whose_site_missed_something_looks_again(new_context, open_page, worker):
    context, asked, lines = new_context(), [], []

    def stand_between(line):
        site = line.connect_to_server()

        def pass_on(frame):
            asked.append(json.loads(frame)["type"])
            site.send(frame)

        line.on_message(pass_on)
        lines.append(line)

    context.route_web_socket(re.compile("/ws/chat/"), stand_between)
    chat = open_page(context=context)
    worker.will_say("Heard by all.")
    chat.ask("Speak.")
    chat.expect_state("complete")
    chat.expect_own_address()
    assert "open" not in asked
    conversation = re.search(r"[0-9a-f-]{36}", chat.page.url)[0]
    lines[-1].send(json.dumps({"type": "missed", "conversation": conversation}))
    # Playwright hands frames over only while it is waited with.
    wait_until(lambda: chat.page.wait_for_timeout(50) or "open" in asked)
    chat.expect_text("Heard by all.")


def _wait_for_request(worker):
    wait_until(lambda: worker.requests, what="the worker's request")
