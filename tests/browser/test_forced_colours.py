"""Where the visitor's system chooses the colours: what a background alone would say has another sign."""

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold
from tests.browser.states import FOUND

LOOK = """
(element) => {
  const { color, backgroundColor, borderTopWidth, outlineStyle } = getComputedStyle(element);
  return { color, backgroundColor, border: parseFloat(borderTopWidth), outline: outlineStyle };
}
"""


def look(locator):
    return locator.evaluate(LOOK)


@pytest.fixture
def forced(open_page, worker):
    return open_page(forced_colors="active", color_scheme="dark")


def test_what_is_pressed_looks_another_way_than_what_is_not(forced, worker):
    forced.add_image("shapes.png")
    worker.will_say(FOUND)
    forced.ask_and_wait("Where?")
    down, up = forced.button("Downvote"), forced.button("Upvote")
    before = look(down)
    down.click()
    expect(down).to_have_attribute("aria-pressed", "true")
    forced.page.mouse.move(0, 0)
    expect(down).not_to_have_css("background-color", before["backgroundColor"])
    expect(up).to_have_css("background-color", before["backgroundColor"])
    pressed = look(down)
    assert pressed["color"] != pressed["backgroundColor"]
    forced.button("Wrong").click()
    expect(forced.button("Wrong")).to_have_css("background-color", pressed["backgroundColor"])
    assert look(forced.page.locator(".place-box").first)["border"] >= 2
    assert look(forced.page.locator(".question-text"))["border"] >= 1
    forced.picture("forced-reply")


def test_a_reply_on_its_way_a_switch_and_the_focus_still_show(forced, worker):
    hold = Hold()
    worker.will_say(hold, "At last.")
    forced.ask("Hello?")
    ground = look(forced.page.locator("body"))["backgroundColor"]
    assert look(forced.reply.locator(".waiting .dots i").first)["backgroundColor"] != ground
    hold.set()
    forced.expect_state("complete")
    forced.button("Keys").click()
    switch = forced.page.get_by_role("switch")
    forced.page.keyboard.press("Tab")
    expect(switch).to_be_focused()
    on = look(switch)
    assert on["outline"] != "none"
    switch.uncheck()
    assert look(switch)["backgroundColor"] != on["backgroundColor"]
    forced.picture("forced-keys")
