"""The page by keyboard alone, on a phone, in the dark, and through axe's eyes."""

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

    for name in ("Continue", "Regenerate", "Copy", "Flag", "Downvote", "Upvote"):
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_desktop_page_has_no_violation(open_page, worker, scheme):
    worker.will_say(
        "The total is **20.40**: $7.60 + 3.50 + 5.20 + 4.10$.\n\n```python\nsum([7.6, 3.5, 5.2, 4.1])\n```"
    )
    chat = open_page(color_scheme=scheme)
    expect(chat.model).not_to_have_value("")
    chat.expect_accessible()
    chat.picture(f"start-{scheme}")
    chat.add_image("receipt.png")
    chat.write("What does this add up to?")
    chat.expect_accessible()
    chat.button("Send").click()
    chat.expect_state("complete")
    expect(chat.reply_text.locator(".hljs-number").first).to_be_visible()
    chat.button("Upvote").click()
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "true")
    chat.page.mouse.move(0, 0)
    chat.expect_accessible()
    chat.picture(f"reply-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WIDTHS)
def test_a_phone_shows_one_column_without_sideways_scrolling(open_page, worker, size, scheme):
    worker.will_say(
        "| Item | Count | Price | A rather wide column |\n|-|-|-|-|\n| Cappuccino | 2 | 7.60 | wide, wide, wide |\n\n"
        "```\na line of code that is far too long for the width of a small phone\n```\n\n"
        f"{'AVeryLongWordThatHasNoPlaceToBreakIn' * 2}\n\n"
        f"$$x = {' + '.join(['abcdefgh'] * 9)}$$"
    )
    chat = open_page(
        viewport={"width": WIDTHS[size], "height": 740}, has_touch=True, is_mobile=True, color_scheme=scheme
    )
    expect(chat.model).not_to_have_value("")
    chat.expect_no_sideways_scrolling()
    chat.expect_accessible()
    chat.picture(f"{size}-start-{scheme}")
    chat.add_image("chart.png")
    chat.write(f"Which bar is the highest? {'Well' * 30}")
    chat.expect_no_sideways_scrolling()
    chat.picture(f"{size}-draft-{scheme}")
    chat.button("Send").tap()
    chat.expect_state("complete")
    expect(chat.reply_text.locator(".is-drawn")).to_have_count(1)
    expect(chat.button("Upvote")).to_be_in_viewport()
    expect(chat.message).to_be_in_viewport()
    chat.expect_no_sideways_scrolling()
    chat.expect_accessible()
    chat.picture(f"{size}-reply-{scheme}")
    chat.button("History").tap()
    expect(chat.page.get_by_role("dialog").get_by_role("link")).to_be_visible()
    dialog = chat.page.get_by_role("dialog")
    assert dialog.evaluate("(element) => element.scrollWidth <= element.clientWidth")
    chat.expect_accessible()


def test_a_stopped_and_a_failed_reply_have_no_violation(chat, worker):
    worker.will_say("Half", Hold())
    chat.ask("One")
    chat.expect_text("Half")
    chat.expect_accessible()
    chat.button("Stop").click()
    chat.expect_state("stopped")
    chat.button("Flag").click()
    chat.expect_accessible()
    chat.page.keyboard.press("Escape")
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


def test_the_picture_for_the_readme(open_page, worker):
    worker.will_say(
        "The receipt adds up to **20.40**:\n\n"
        "| Item | Count | Price |\n|:--|:-:|--:|\n| Cappuccino | 2 | 7.60 |\n| Orange juice | 1 | 3.50 |\n"
        "| Croissant | 2 | 5.20 |\n| Yoghurt | 1 | 4.10 |\n\n"
        "The printed total is right: $7.60 + 3.50 + 5.20 + 4.10 = 20.40$."
    )
    chat = open_page()
    chat.add_image("receipt.png")
    chat.ask("What does this receipt add up to?")
    chat.expect_state("complete")
    expect(chat.reply_text.locator(".is-drawn")).to_be_visible()
    chat.page.mouse.move(0, 0)
    chat.picture("readme")
    chat.picture_for_docs("page")
