"""Pictures are looked at: large, zoomed by everything that zooms, one after the other, with a reply's boxes."""

import re

import pytest
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def look_at(chat, name):
    chat.questions.get_by_role("link").filter(has=chat.page.get_by_role("img", name=name)).last.click()
    dialog = chat.page.get_by_role("dialog", name=name)
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("Loading…")).to_have_count(0)
    return dialog


def percent(dialog):
    return int(dialog.locator('[data-part="zoom"]').text_content().split()[0])


def width_of(dialog):
    return dialog.locator('[data-part="full"]').bounding_box()["width"]


def middle_of(dialog):
    box = dialog.locator('[data-part="full"]').bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_picture_is_zoomed_moved_and_left_by_keyboard_alone(chat):
    chat.add_image("receipt.png", "chart.png")
    chat.ask_and_wait()
    link = chat.questions.get_by_role("link").first
    link.focus()
    keys = chat.page.keyboard
    keys.press("Enter")
    dialog = chat.page.get_by_role("dialog", name="receipt.png")
    expect(dialog.get_by_role("img", name="receipt.png")).to_be_visible()
    expect(dialog.get_by_text("1 / 2")).to_be_visible()
    chat.expect_accessible()
    whole = width_of(dialog)
    keys.press("+")
    keys.press("+")
    assert (percent(dialog), width_of(dialog)) == (196, pytest.approx(1.96 * whole, rel=0.01))
    before = middle_of(dialog)
    keys.press("ArrowDown")
    assert middle_of(dialog)[1] == pytest.approx(before[1] - 60, abs=1)
    keys.press("-")
    keys.press("0")
    assert (percent(dialog), width_of(dialog)) == (100, pytest.approx(whole))
    keys.press("ArrowRight")
    dialog = chat.page.get_by_role("dialog", name="chart.png")
    expect(dialog.get_by_text("2 / 2")).to_be_visible()
    expect(dialog.get_by_role("button", name="Next image")).to_be_disabled()
    keys.press("PageUp")
    expect(chat.page.get_by_role("dialog", name="receipt.png")).to_be_visible()
    keys.press("Escape")
    expect(chat.page.get_by_role("dialog")).to_have_count(0)
    expect(link).to_be_focused()


def test_a_button_that_becomes_useless_does_not_keep_the_keys(chat):
    chat.add_image("receipt.png", "chart.png")
    chat.ask_and_wait()
    look_at(chat, "receipt.png")
    chat.button("Next image").focus()
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_role("dialog", name="chart.png")).to_be_visible()
    chat.page.keyboard.press("ArrowLeft")
    expect(chat.page.get_by_role("dialog", name="receipt.png")).to_be_visible()


def test_wheel_buttons_double_click_and_dragging(chat):
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    dialog = look_at(chat, "receipt.png")
    picture = dialog.locator('[data-part="full"]')
    frame = picture.bounding_box()
    # What is under the pointer stays there.
    place = (frame["x"] + frame["width"] * 0.25, frame["y"] + frame["height"] * 0.25)
    chat.page.mouse.move(*place)
    chat.page.mouse.wheel(0, -600)
    expect(dialog.locator('[data-part="zoom"]')).not_to_have_text("100 %")
    zoomed = picture.bounding_box()
    assert (place[0] - zoomed["x"]) / zoomed["width"] == pytest.approx(0.25, abs=0.01)
    assert (place[1] - zoomed["y"]) / zoomed["height"] == pytest.approx(0.25, abs=0.01)
    chat.page.mouse.down()
    chat.page.mouse.move(place[0] + 40, place[1] + 30, steps=4)
    chat.page.mouse.up()
    moved = picture.bounding_box()
    assert (moved["x"] - zoomed["x"], moved["y"] - zoomed["y"]) == pytest.approx((40, 30), abs=2)
    chat.page.mouse.move(place[0] + 200, place[1])  # let go, it stays
    assert picture.bounding_box() == moved
    dialog.get_by_role("button", name="Show the whole image").click()
    assert percent(dialog) == 100
    dialog.get_by_role("button", name="Zoom in").click()
    assert percent(dialog) == 140
    dialog.get_by_role("button", name="Zoom out").click()
    expect(dialog.get_by_role("button", name="Zoom out")).to_be_disabled()
    picture.dblclick(position={"x": 100, "y": 100})
    assert percent(dialog) == 250
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)


def test_two_fingers_zoom_and_one_turns_the_page(open_page, worker):
    chat = open_page(**PHONE)
    chat.add_image("receipt.png", "chart.png")
    chat.ask_and_wait()
    dialog = look_at(chat, "receipt.png")
    session = chat.page.context.new_cdp_session(chat.page)

    def touch(kind, *points):
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", (170, 420), (220, 420))
    touch("touchMove", (145, 420), (245, 420))
    touch("touchMove", (120, 420), (270, 420))
    touch("touchEnd")
    assert percent(dialog) == pytest.approx(300, abs=30)
    chat.expect_no_sideways_scrolling()
    dialog.get_by_role("button", name="Show the whole image").click()
    touch("touchStart", (300, 420))
    touch("touchMove", (200, 420))
    touch("touchMove", (120, 420))
    touch("touchEnd")
    expect(chat.page.get_by_role("dialog", name="chart.png")).to_be_visible()
    chat.expect_accessible()
    chat.picture("lightbox-phone")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_boxes_of_a_reply_are_shown_in_it(open_page, worker, scheme):
    chat = open_page(color_scheme=scheme)
    worker.will_say(
        "<ref>the cup</ref><box>[[100, 250, 200, 350]]</box>, <ref>b</ref><box>[[500, 0, 900, 900]]</box>"
    )
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    figure = chat.reply.get_by_role("figure")
    figure.get_by_role("link").click(position={"x": 5, "y": 5})
    dialog = chat.page.get_by_role("dialog", name="receipt.png")
    expect(dialog.locator(".place-box")).to_have_count(2)
    box = dialog.get_by_role("button", name="1: the cup").bounding_box()
    picture = dialog.locator('[data-part="full"]').bounding_box()
    assert (box["x"] - picture["x"]) / picture["width"] == pytest.approx(0.1, abs=0.01)
    chat.expect_accessible()
    chat.picture(f"lightbox-{scheme}")
    dialog.get_by_role("button", name="Boxes").click()
    expect(dialog.locator(".place-box").first).to_be_hidden()
    dialog.get_by_role("button", name="Boxes").click()
    dialog.get_by_role("button", name="Close").click()
    expect(figure.get_by_role("link")).to_be_focused()
    # A box opens it near to what it holds.
    figure.get_by_role("button", name="1: the cup").click()
    expect(dialog).to_be_visible()
    assert percent(dialog) > 100
    expect(dialog.get_by_role("button", name="1: the cup")).to_have_class(re.compile("is-marked"))
    expect(dialog.get_by_role("button", name="1: the cup")).to_be_in_viewport(ratio=1)


def test_a_picture_that_does_not_load_says_so(chat):
    chat.add_image("receipt.png")
    chat.ask_and_wait()
    chat.allow("Failed to load resource")
    chat.page.route(re.compile(r"/images/[0-9a-f-]+/$"), lambda route: route.abort())
    chat.questions.get_by_role("link").click()
    expect(chat.page.get_by_text("The image could not be loaded. Check your connection")).to_be_visible()
    chat.page.keyboard.press("Escape")
