"""What reads replies comes when a visitor first shows interest; a text that is there before stands as it is."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold

LATE = re.compile(r"/static/(vendor/markdown-it|js/components/reading)")
MARKDOWN = "Some **bold** words, and `code`."
DRAWN = "Some bold words, and code."


def is_here(chat):
    names = chat.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    return any(LATE.search(name) for name in names)


@pytest.fixture
def late(chat):
    """Hold back what reads replies; called, it lets it come."""
    held = []
    chat.page.route(LATE, lambda route: held.append(route))

    def let_come():
        for route in held:
            route.continue_()
        chat.page.unroute(LATE)

    return let_come


@pytest.mark.parametrize("sign", ["focus", "pointer", "key"])
def test_it_comes_with_the_first_sign_of_interest(chat, sign):
    chat.wait_for_connection()
    chat.page.wait_for_load_state("networkidle")
    assert not is_here(chat)
    with chat.page.expect_response(LATE):
        if sign == "focus":
            chat.message.focus()
        elif sign == "pointer":
            chat.page.mouse.click(700, 100)
        else:
            chat.page.keyboard.press("Tab")


def test_a_text_that_comes_before_it_stands_as_it_is_and_is_drawn_afterwards(chat, worker, late):
    hold = Hold()
    worker.will_say(MARKDOWN, hold, "\n\n- *More*.")
    chat.ask("Speak.")
    chat.expect_text(MARKDOWN)
    late()
    chat.expect_text(DRAWN)
    expect(chat.reply_text.locator("strong")).to_have_text("bold")
    hold.set()
    chat.expect_state("complete")
    expect(chat.reply_text.locator("li")).to_have_text("More.")
    expect(chat.reply_text).not_to_have_attribute("data-unread", re.compile(""))


def test_a_whole_reply_is_drawn_when_it_comes(chat, worker, late):
    worker.will_say(f"<think>Let me see.</think>{MARKDOWN}\n\nEnd.")
    chat.ask("What do you see?")
    chat.expect_state("complete")
    expect(chat.reply_text).to_have_text(f"{MARKDOWN} End.")
    expect(chat.reply.locator(".thinking")).to_be_visible()
    late()
    expect(chat.reply_text.locator("p")).to_have_count(2)
    expect(chat.reply_text.locator("code")).to_have_text("code")


def test_a_site_that_is_away_at_that_moment_is_tried_again_without_an_error(chat, worker):
    chat.allow("Failed to load resource")
    tried = []

    def refuse(route):
        tried.append(route.request.url)
        route.abort("internetdisconnected")

    chat.page.route(LATE, refuse)
    worker.will_say(MARKDOWN)
    chat.ask("What do you see?")
    chat.expect_state("complete")
    chat.expect_text(MARKDOWN)
    expect(chat.page.locator("#trouble")).to_be_hidden()
    assert tried
    chat.page.unroute(LATE)
    chat.expect_text(DRAWN)
    expect(chat.page.locator("#trouble")).to_be_hidden()


def test_a_conversation_brings_it_along(chat, worker):
    worker.will_say(MARKDOWN)
    chat.ask_and_wait()
    chat.expect_own_address()
    chat.reload()
    chat.expect_text(DRAWN)


def test_only_words_that_mean_what_they_say_are_shown_without_it(chat):
    """What stands as it is must look as it would when it is read."""
    sure = [
        "Plain words, a name (1990) and 5%.",
        'Two lines\nof one.\n\nTwo paragraphs: "yes" - no.',
        "你好，世界。",
    ]
    open_ = [
        "**bold**",
        "1. first",
        "- item",
        "a_b_c",
        "Title\n===",
        "a  \nb",
        "<b>",
        "$x$",
        "https://example.org",
        "&amp;",
        "",
    ]
    chat.wait_for_connection()
    shown = """async (texts) => {
        const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
        const { loadReading, RichText } = await import(loaded.find((name) => name.includes("/components/rich_text.")));
        const html = (text) => {
            const element = document.createElement("div");
            new RichText(element).update(text, { done: true });
            if ("unread" in element.dataset) return "unread";
            return element.innerHTML.replaceAll(/<\\/p>\\s*<p>/g, "</p><p>");
        };
        const before = texts.map(html);
        await loadReading();
        return [before, texts.map(html)];
    }"""
    before, after = chat.page.evaluate(shown, sure)
    assert before == after
    chat.reload()
    before, _ = chat.page.evaluate(shown, open_)
    assert [html for html in before if html != "unread"] == [""]
