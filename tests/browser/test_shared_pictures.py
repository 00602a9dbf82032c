"""Pictures of a conversation that was given away: large, and with the boxes of its replies, as on the page itself."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_sharing import dialog, make_link, save
from tests.running import wait_until

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
BOX = "<box>[[100, 250, 300, 500]]</box>"


@pytest.fixture
def pointed(chat, worker):
    """A conversation of two turns in which the replies point at pictures."""
    worker.will_say(
        f"I see <ref>the heading</ref>{BOX} and <ref>the sum</ref><box>[[620, 700, 900, 800]]</box>."
    )
    worker.will_say(f"In Image-1 <ref>the heading</ref>{BOX}, in Image-2 <ref>a bar</ref>{BOX}.")
    chat.add_image("receipt.png")
    chat.ask_and_wait("What is on it?")
    chat.add_image("chart.png")
    chat.ask_and_wait("And on this one?")
    return chat


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_stranger_sees_the_boxes_and_looks_at_the_pictures(open_page, pointed, new_context, size, scheme):
    path = make_link(pointed)
    context = new_context(color_scheme=scheme, reduced_motion="reduce", **(PHONE if size == "phone" else {}))
    sockets = []
    context.on("page", lambda page: page.on("websocket", lambda socket: sockets.append(socket.url)))
    stranger = open_page(path, context)
    page = stranger.page
    first, second = page.locator("article.reply").all()
    expect(first.locator(".place-tag")).to_have_text(["the heading", "the sum"])
    expect(second.locator(".place-tag")).to_have_text(["the heading", "a bar"])
    expect(second.locator(".seen-picture").first.get_by_role("img")).to_have_attribute("alt", "Image 1")
    first.get_by_role("button", name="the sum", exact=True).focus()
    expect(first.get_by_role("button", name="2: the sum")).to_have_class(re.compile("is-marked"))
    stranger.picture(f"shared-marked-{size}-{scheme}")
    page.evaluate("document.activeElement.blur()")
    stranger.expect_accessible()
    stranger.expect_no_sideways_scrolling()
    stranger.picture(f"shared-boxes-{size}-{scheme}", full_page=True)

    first.get_by_role("button", name="2: the sum").click()
    large = page.get_by_role("dialog", name="Image 1")
    expect(large.locator(".place-tag")).to_have_text(["the heading", "the sum"])
    expect(large.locator("[data-part=full]")).to_have_js_property("complete", True)
    assert large.locator("[data-part=full]").evaluate("(image) => image.naturalWidth") > 0
    stranger.picture(f"shared-large-{size}-{scheme}")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Image 2").first.click()
    expect(page.get_by_role("dialog", name="Image 2")).to_contain_text("2 / 2")
    page.keyboard.press("Escape")
    first.get_by_role("button", name="Boxes", exact=True).click()
    expect(page.locator(".place-box").first).to_be_hidden()
    assert sockets == []


def test_a_blocked_picture_takes_its_boxes_along_and_no_other_picture_gets_them(
    open_page, pointed, site, new_context
):
    path = make_link(pointed)
    # Of the first question; the second one has the newest.
    looks = "md5, width, height, difference_hash"
    site.change(
        f"INSERT INTO chat_blockedimage (image_id, {looks}, reason, created) SELECT image_id, {looks}, 'test', "
        "datetime('now') FROM chat_upload JOIN chat_image ON chat_image.id = chat_upload.image_id "
        "ORDER BY chat_upload.created DESC LIMIT 1 OFFSET 1"
    )
    try:
        stranger = open_page(path, new_context())
        stranger.allow("404 (Not Found)")  # until each of the site's second-old memories has it
        replies = stranger.page.locator("article.reply")
        wait_until(
            lambda: stranger.reload() or stranger.page.get_by_text("This image is not shown.").count(),
            10,
            "the block",
        )
        expect(replies.nth(0).locator(".place-box")).to_have_count(0)
        expect(replies.nth(0).locator(".text")).to_contain_text("the heading [100, 250, 300, 500]")
        expect(replies.nth(1).locator(".place-tag")).to_have_text(["a bar"])
    finally:
        site.change("DELETE FROM chat_blockedimage WHERE reason = 'test'")


def test_a_page_with_no_pictures_asks_for_nothing_that_shows_them(open_page, chat, worker, new_context):
    worker.will_say(f"<ref>the cup</ref>{BOX}")
    chat.ask_and_wait()
    asked = []
    context = new_context()
    context.on("request", lambda request: asked.append(request.url))
    stranger = open_page(make_link(chat), context)
    expect(stranger.page.locator(".reply .text")).to_have_text("the cup [100, 250, 300, 500]")
    assert not [
        url for url in asked if re.search(r"/(places|overlay|lightbox|shared_pictures|pictures)\.", url)
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_saved_page_has_the_boxes_and_shows_pictures_large_without_a_script(
    pointed, new_context, tmp_path, width, scheme
):
    pointed.button("Share or save").click()
    file = tmp_path / "conversation.html"
    text = save(pointed, "Save as a page", file)
    assert "<script" not in text
    assert text.count("data:image/png") == 4, "each picture twice, however many replies point at it"
    page = new_context(offline=True, viewport={"width": width, "height": 844}, color_scheme=scheme).new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(file.as_uri())
    replies = page.locator("article.assistant")
    expect(replies.nth(0).locator("svg text")).to_have_text(["1 the heading", "2 the sum"])
    expect(replies.nth(1).locator("svg")).to_have_count(2)
    picture = replies.nth(0).locator("svg").bounding_box()
    box = replies.nth(0).locator("rect").first.bounding_box()
    assert (box["x"] - picture["x"]) / picture["width"] == pytest.approx(0.1, abs=0.02)
    assert (box["y"] - picture["y"]) / picture["height"] == pytest.approx(0.25, abs=0.02)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    page.screenshot(path=f"test-results/pictures/saved-boxes-{width}-{scheme}.png", full_page=True)

    fill = "(box) => getComputedStyle(box).fill"
    before = replies.nth(0).locator("rect").nth(1).evaluate(fill)
    page.get_by_role("link", name="2 the sum").click()
    assert replies.nth(0).locator("rect").nth(1).evaluate(fill) != before

    page.locator("article.user img").first.click()
    large = page.locator("article.user figure").first
    expect(large).to_have_css("position", "fixed")
    page.screenshot(path=f"test-results/pictures/saved-large-{width}-{scheme}.png")
    large.get_by_role("link", name="Close").click()
    expect(large).to_have_css("position", "static")
    assert [each for each in complaints if not each.startswith(("file:", "data:"))] == []
    assert dialog(pointed).is_visible()
