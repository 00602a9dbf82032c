"""What an image shows, written by its visitor before it is sent: its alternative text wherever it is."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.test_sharing import make_link, save

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WORDS = "A receipt of Café Luna over 20.40"


def field(chat):
    return chat.page.get_by_role("textbox", name="Description for people who can't see the image (optional)")


def look(chat):
    chat.thumbnails.first.get_by_role("button", name="Look at").click()
    return field(chat)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_an_image_is_described_before_it_is_sent(open_page, worker, new_context, tmp_path, size, scheme):
    chat = open_page(color_scheme=scheme, **(PHONE if size == "phone" else {}))
    chat.add_image("receipt.png")
    look(chat).press_sequentially("+0-")  # keys of the large view, which are text here
    expect(field(chat)).to_have_value("+0-")
    expect(chat.button("Zoom out")).to_be_disabled()
    field(chat).fill(WORDS)
    chat.expect_accessible()
    chat.expect_no_sideways_scrolling()
    chat.picture(f"description-{size}-{scheme}")
    chat.button("Save").click()
    expect(chat.page.get_by_role("dialog").get_by_text("Saved", exact=True)).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.thumbnails.get_by_role("img")).to_have_attribute("alt", WORDS)
    chat.reload()
    expect(chat.thumbnails.get_by_role("img")).to_have_attribute("alt", WORDS)
    worker.will_say("<ref>the sum</ref><box>[[620, 700, 900, 800]]</box>")
    chat.ask_and_wait()
    for picture in chat.log.get_by_role("img").all():
        expect(picture).to_have_attribute("alt", WORDS)
    expect(chat.log.get_by_role("img")).to_have_count(2)

    stranger = open_page(make_link(chat), new_context())
    expect(stranger.page.get_by_role("img", name=WORDS)).to_have_count(2)
    data = json.loads(save(chat, "Save as JSON", tmp_path / "conversation.json"))
    assert data["messages"][0]["images"][0]["description"] == WORDS
    assert f'alt="{WORDS}"' in save(chat, "Save as a page", tmp_path / "conversation.html")


def test_one_that_is_too_long_is_refused_with_its_limit_and_stays_written(chat):
    chat.add_image("receipt.png")
    chat.allow("400 (Bad Request)")
    look(chat).fill("a" * 301)
    field(chat).press("Enter")
    problem = chat.page.get_by_role("dialog").get_by_role("alert")
    expect(problem).to_have_text("The description has 301 characters; at most 300 are allowed.")
    expect(field(chat)).to_have_value("a" * 301)
    expect(chat.thumbnails.get_by_role("img")).to_have_attribute("alt", "receipt.png")


def test_what_is_written_is_kept_by_going_on(chat):
    chat.add_image("receipt.png", "chart.png")
    look(chat).fill("First")
    chat.button("Next image").click()
    expect(field(chat)).to_have_value("")
    field(chat).fill("Second")
    chat.page.keyboard.press("Escape")
    for place, words in enumerate(("First", "Second")):
        expect(chat.thumbnails.nth(place).get_by_role("img")).to_have_attribute("alt", words)


def test_an_image_that_was_sent_has_no_field(chat):
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    chat.questions.get_by_role("link").click()
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    expect(field(chat)).to_be_hidden()
