"""The page by keyboard alone and on a phone; test_states.py holds all its states to axe."""

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold

WIDTHS = {"phone": 390, "small-phone": 320}


def test_everything_by_keyboard_alone(chat, worker):
    keys = chat.page.keyboard
    hold = Hold()
    worker.will_say("By keyboard", hold)
    keys.press("Tab")
    expect(chat.page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    keys.press("Enter")
    expect(chat.message).to_be_focused()
    keys.type("No mouse here")
    keys.press("Enter")
    chat.expect_text("By keyboard")
    keys.press("Tab")
    expect(chat.button("Stop")).to_be_focused()
    keys.press("Space")
    chat.expect_state("stopped")
    expect(chat.message).to_be_focused()

    for name in ("Continue", "Regenerate", "What the model saw", "Copy", "Flag", "Downvote", "Upvote"):
        keys.press("Shift+Tab")
        expect(chat.button(name)).to_be_focused()
    keys.press("Enter")
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "true")
    chat.button("History").focus()
    keys.press("Enter")
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    expect(chat.page.get_by_role("link", name="No mouse here")).to_be_visible()
    keys.press("Escape")
    expect(chat.button("History")).to_be_focused()


def test_the_named_controls_are_there(chat):
    chat.page.get_by_text("Parameters", exact=True).click()
    for role, names in {
        "combobox": ["Model", "Image mode"],
        "textbox": ["Message"],
        "button": ["Add image", "Send", "Clear", "History"],
        "slider": ["Temperature", "Top P", "Max output tokens", "Max input tiles"],
    }.items():
        for name in names:
            expect(chat.page.get_by_role(role, name=name, exact=True)).to_be_visible()
    expect(chat.page.get_by_role("log", name="Conversation", exact=True)).to_have_count(1)
    chat.expect_accessible()


@pytest.mark.parametrize("size", WIDTHS)
def test_a_phone_shows_one_column_without_sideways_scrolling(open_page, worker, size):
    worker.will_say(
        "| Item | Count | Price | A rather wide column |\n|-|-|-|-|\n| Cappuccino | 2 | 7.60 | wide, wide, wide |\n\n"
        "```\na line of code that is far too long for the width of a small phone\n```\n\n"
        f"{'AVeryLongWordThatHasNoPlaceToBreakIn' * 2}\n\n"
        f"$$x = {' + '.join(['abcdefgh'] * 9)}$$"
    )
    chat = open_page(viewport={"width": WIDTHS[size], "height": 740}, has_touch=True, is_mobile=True)
    expect(chat.model).not_to_have_value("")
    chat.expect_no_sideways_scrolling()
    chat.expect_accessible()
    chat.picture(f"{size}-start")
    chat.add_image("chart.png")
    chat.write(f"Which bar is the highest? {'Well' * 30}")
    chat.expect_no_sideways_scrolling()
    chat.picture(f"{size}-draft")
    chat.button("Send").tap()
    chat.expect_state("complete")
    expect(chat.reply_text.locator(".is-drawn")).to_have_count(1)
    expect(chat.button("Upvote")).to_be_in_viewport()
    expect(chat.message).to_be_in_viewport()
    chat.expect_no_sideways_scrolling()
    chat.expect_accessible()
    chat.picture(f"{size}-reply")
    chat.button("History").tap()
    expect(chat.page.get_by_role("dialog").get_by_role("link")).to_be_visible()
    dialog = chat.page.get_by_role("dialog")
    assert dialog.evaluate("(element) => element.scrollWidth <= element.clientWidth")
    chat.expect_accessible()


def test_a_screen_reader_hears_states_and_not_each_word(chat, worker):
    hold = Hold()
    worker.will_say("One", hold, " two")
    chat.ask("Count.")
    chat.expect_text("One")
    expect(chat.reply).to_have_attribute("aria-live", "off")
    expect(chat.reply).to_have_attribute("aria-busy", "true")
    hold.set()
    chat.expect_text("One two")
    expect(chat.reply).to_have_attribute("aria-busy", "false")
    expect(chat.page.locator("#announcer")).to_have_text("Reply complete.")
