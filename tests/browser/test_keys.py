"""What the keys do in the message box and on the page; input methods never send by accident."""

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold


@pytest.fixture
def chat(open_page, worker, size):
    """The start page of a new visitor, once on a desktop and once on a phone."""
    return open_page(**size)


@pytest.fixture
def keyboard(chat):
    """The keyboard as an input method uses it."""
    return chat.page.context.new_cdp_session(chat.page)


def compose(keyboard, text):
    keyboard.send(
        "Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
    )


def press(keyboard, key, code):
    keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": key, "windowsVirtualKeyCode": code})
    keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "windowsVirtualKeyCode": code})


def keys(chat):
    return chat.page.get_by_role("dialog", name="Keys")


def open_keys(chat):
    """Open the list as whoever has a keyboard does; a phone shows no button for it."""
    chat.button("History").focus()
    chat.page.keyboard.press("?")
    expect(keys(chat)).to_be_visible()


def test_enter_sends_and_shift_enter_breaks_the_line(chat, worker):
    chat.message.press_sequentially("one")
    chat.message.press("Shift+Enter")
    chat.message.press_sequentially("two")
    expect(chat.questions).to_have_count(0)
    chat.message.press("Enter")
    expect(chat.questions.locator(".question-text")).to_have_text("one\ntwo")


@pytest.mark.parametrize(("typed", "chosen"), [("nihao", "你好"), ("にほんご", "日本語")])
def test_enter_takes_an_input_methods_suggestion_and_sends_only_the_next_time(chat, keyboard, typed, chosen):
    chat.message.focus()
    compose(keyboard, typed)
    press(keyboard, "Enter", 13)  # isComposing
    expect(chat.message).to_have_value(typed)
    press(keyboard, "Enter", 229)
    keyboard.send("Input.insertText", {"text": chosen})
    press(keyboard, "Enter", 229)  # Safari tells of the key after the composition has ended
    expect(chat.message).to_have_value(chosen)
    expect(chat.questions).to_have_count(0)
    chat.message.press("Enter")
    expect(chat.questions.locator(".question-text")).to_have_text(chosen)


def test_escape_and_arrow_up_are_the_input_methods_own_while_it_composes(chat, worker, keyboard):
    worker.will_say("On ", Hold())
    chat.ask("Go on.")
    chat.expect_text("On")
    chat.message.focus()
    compose(keyboard, "ni")
    press(keyboard, "Escape", 229)
    press(keyboard, "ArrowUp", 229)
    chat.expect_state("streaming")
    expect(chat.page.get_by_text("You are changing an earlier message.")).to_be_hidden()
    keyboard.send("Input.insertText", {"text": "你"})
    chat.message.press("Escape")
    chat.expect_state("stopped")


def test_escape_stops_the_reply_from_anywhere(chat, worker):
    worker.will_say("On and on", Hold())
    chat.ask("Go on.")
    chat.expect_text("On and on")
    chat.page.locator("#scroller").focus()
    chat.page.keyboard.press("Escape")
    chat.expect_state("stopped")


def test_escape_closes_a_dialog_and_leaves_the_reply_alone(chat, worker):
    hold = Hold()
    worker.will_say("On and ", hold, "on")
    chat.ask("Go on.")
    chat.expect_text("On and")
    open_keys(chat)
    chat.page.keyboard.press("Escape")
    expect(keys(chat)).to_be_hidden()
    hold.set()
    chat.expect_state("complete")


def test_arrow_up_in_an_empty_box_changes_the_last_message_and_escape_leaves_it(chat, worker):
    chat.ask_and_wait("First")
    chat.ask_and_wait("Last")
    chat.message.press("ArrowUp")
    expect(chat.message).to_have_value("Last")
    chat.message.press("ArrowUp")  # in a text it only moves the cursor
    expect(chat.message).to_have_value("Last")
    chat.message.press("Escape")
    expect(chat.message).to_have_value("")
    expect(chat.message).to_be_focused()
    chat.message.press("ArrowUp")
    chat.message.press_sequentially(" but two")
    chat.message.press("Enter")
    expect(chat.questions.locator(".question-text")).to_have_text(["First", "Last but two"])


def test_arrow_up_in_a_new_conversation_does_nothing(chat):
    chat.message.press("ArrowUp")
    expect(chat.page.get_by_text("You are changing an earlier message.")).to_be_hidden()


def test_slash_goes_to_the_message_box_and_a_question_mark_lists_the_keys(chat):
    chat.model.focus()
    chat.page.keyboard.press("/")
    expect(chat.message).not_to_be_focused()  # a list takes letters itself
    chat.button("History").focus()
    chat.page.keyboard.press("/")
    expect(chat.message).to_be_focused()
    expect(chat.message).to_have_value("")
    chat.message.press_sequentially("/?")
    expect(chat.message).to_have_value("/?")
    expect(keys(chat)).to_be_hidden()
    open_keys(chat)
    expect(keys(chat).get_by_role("definition").first).to_have_text("Send the message")
    chat.expect_accessible()
    chat.expect_no_sideways_scrolling()
    chat.picture(f"keys-{chat.page.viewport_size['width']}")
    chat.button("Close").click()
    expect(chat.button("History")).to_be_focused()


def test_single_keys_can_be_switched_off_for_good(chat):
    open_keys(chat)
    keys(chat).get_by_role("switch", name="Single keys: / and ?").uncheck()
    chat.button("Close").click()
    chat.reload()
    chat.button("History").focus()
    chat.page.keyboard.press("?")
    chat.page.keyboard.press("/")
    expect(keys(chat)).to_be_hidden()
    expect(chat.button("History")).to_be_focused()


def test_the_list_of_keys_has_a_button_where_there_is_a_mouse(open_page, worker):
    chat = open_page()
    chat.button("Keys").click()
    expect(keys(chat).get_by_role("switch")).to_be_checked()
    keys(chat).get_by_role("switch").uncheck()
    chat.reload()
    chat.button("Keys").click()
    expect(keys(chat).get_by_role("switch")).not_to_be_checked()
