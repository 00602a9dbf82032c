"""The moderators' queue with the keyboard alone."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.test_admin import WCAG
from tests.running import wait_until

FLAGS = 50
GROUNDED = (
    "See <ref>the <i>cup</i></ref><box>[[100, 250, 300, 500]]</box> and\n"
    '[{"bbox_2d": [1, 2, 30, 40], "label": "a"}, {"bbox_2d": [5, 6, 7, 8], "label": "b"}], <ref>cut'
)
SEED = """
import sys
from pathlib import Path
from django.contrib.auth.models import Group, User
from chat.images.pool import decoders
from chat.images.store import store_upload
from feedback.models import Flag, Vote
from tests.feedback.stories import exchange, make_conversation, make_model, make_visitor
visitor, model = make_visitor(), make_model("reviewed")
upload = store_upload(visitor, "receipt.png", Path("static/examples/receipt.png").read_bytes())
decoders.close()
for number in range({flags}):
    conversation = make_conversation(visitor, model, language="en")
    uploads = [upload] if number % 5 == 0 else ()
    first = exchange(conversation, f"Question {{number}}", {grounded!r}, uploads=uploads)
    reply = exchange(conversation, "And?", f"<b>Bad</b> answer {{number}}", parent=first)
    Vote.objects.create(visitor=visitor, message=first, value="down", comment="Too short")
    Flag.objects.create(visitor=visitor, message=reply, reason="harmful", comment=f"Look at {{number}}")
user = User.objects.create_user("mod", password="a long password", is_staff=True)
user.groups.add(Group.objects.get(name="moderator"))
"""


@pytest.fixture(scope="module")
def reviewed_site(start_site):
    """A site of its own, with fifty flags and a moderator who is in the group and nothing else."""
    site = start_site()
    done = site.manage("shell", "-v", "0", "-c", SEED.format(flags=FLAGS, grounded=GROUNDED))
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture
def queue(open_page, reviewed_site):
    queue = open_page("/admin/", site=reviewed_site)
    queue.page.get_by_label("Username").fill("mod")
    queue.page.get_by_label("Password").fill("a long password")
    queue.button("Log in").click()
    queue.visit("/admin/feedback/reviewitem/")
    return queue


def states(site):
    return dict(site.rows("SELECT state, count(*) FROM feedback_flag GROUP BY state"))


def marked(page):
    return page.locator(".item:not([hidden]) .subject .text").inner_text()


def press(page, key):
    """Press a key that decides, and wait until the next item is there."""
    before = page.locator(".item:not([hidden])").get_attribute("data-message")
    page.keyboard.press(key)
    page.wait_for_function(
        "(before) => ![before, undefined].includes(document.querySelector('.item:not([hidden])')?.dataset.message)",
        arg=before,
    )


def test_places_that_a_reply_points_at_are_read_as_labels_and_numbers(queue):
    text = queue.page.locator(".item:not([hidden]) .message.assistant > .text").first
    assert text.text_content() == (
        "See the <i>cup</i> [100, 250, 300, 500] and\na [1, 2, 30, 40] b [5, 6, 7, 8], <ref>cut"
    )
    expect(text.locator(".place").first).to_have_attribute(
        "title", "<ref>the <i>cup</i></ref><box>[[100, 250, 300, 500]]</box>"
    )
    for name, size in {"desktop": (1280, 800), "phone": (390, 844)}.items():
        queue.page.set_viewport_size({"width": size[0], "height": size[1]})
        for scheme in ("dark", "light"):
            queue.page.emulate_media(color_scheme=scheme)
            queue.page.wait_for_timeout(300)  # Django's links change colour slowly
            queue.picture(f"review-places-{name}-{scheme}", full_page=True)
    queue.expect_accessible(WCAG)
    # Those that are fetched later are read the same way.
    expect(queue.page.locator(".item[hidden] .place").first).to_be_attached()
    queue.visit("/admin/")


def test_fifty_flags_are_cleared_in_minutes_by_the_keyboard_alone(queue, reviewed_site):
    page = queue.page
    expect(page.locator("#waiting")).to_have_text(str(FLAGS))
    queue.expect_accessible(WCAG)
    queue.picture("review")
    begun = time.monotonic()
    # What a moderator needs to judge is on the page, and the picture is blurred until it is asked for.
    item = page.locator(".item:not([hidden])")
    assert marked(page) == "<b>Bad</b> answer 0"
    expect(item.get_by_text("Look at 0", exact=True)).to_be_visible()
    expect(item.get_by_text("Question 0")).to_be_visible()
    expect(item.get_by_text(re.compile("^down: Too short")).first).to_be_visible()
    expect(item.get_by_text(re.compile("^Harmful or unsafe, open: Look at 49")).first).to_be_visible()
    picture = item.locator(".blurred")
    assert "blur" in picture.evaluate("(image) => getComputedStyle(image).filter")
    page.keyboard.press("r")
    assert picture.evaluate("(image) => getComputedStyle(image).filter") == "none"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("u")  # decides nothing behind the dialog
    page.keyboard.press("Escape")
    # A note, with letters that would be keys outside it, and everything that upholding can do.
    page.keyboard.press("n")
    page.keyboard.type("dubious sizes")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("i")
    press(page, "u")
    assert marked(page) == "<b>Bad</b> answer 1"
    assert page.evaluate("document.activeElement.matches('.item:not([hidden]) h2')")
    press(page, "d")
    press(page, "s")
    assert marked(page) == "<b>Bad</b> answer 3"
    for left in range(FLAGS - 3, 0, -1):
        if left > 1:
            press(page, "u" if left % 3 else "d")
        else:
            page.keyboard.press("u")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#waiting")).to_have_text("0")
    expect(page.locator("#skipped")).to_have_text("1")
    # Two steps back: the last one again, and then the one before.
    page.keyboard.press("z")
    expect(page.locator("#status")).to_have_text("Undone.")
    assert marked(page) == f"<b>Bad</b> answer {FLAGS - 1}"
    press(page, "z")
    assert marked(page) == f"<b>Bad</b> answer {FLAGS - 2}"
    press(page, "d")
    page.keyboard.press("d")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#waiting")).to_have_text("0")
    # The one that was skipped comes back when it is asked for.
    page.get_by_role("button", name="Show skipped again").press("Enter")
    assert marked(page) == "<b>Bad</b> answer 2"
    page.keyboard.press("u")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#status")).to_have_text("Upheld.")
    took = time.monotonic() - begun
    print(f"{FLAGS} flags in {took:.1f} s")
    assert took < 60  # ten minutes are allowed to a person, who reads
    found = states(reviewed_site)
    assert found.get("open", 0) == 0
    assert sum(found.values()) == FLAGS
    rows = reviewed_site.rows
    assert rows("SELECT count(*) FROM chat_hiddenreply WHERE lifted IS NULL") == [(found["upheld"],)]
    assert rows("SELECT reason FROM chat_blockedvisitor") == [("dubious sizes",)]
    assert rows("SELECT reason FROM chat_blockedimage") == [("dubious sizes",)]
    assert rows("SELECT count(*) FROM feedback_claim") == [(0,)]
    assert json.loads(rows("SELECT detail FROM chat_auditentry WHERE action = 'block_visitor'")[0][0])[
        "reason"
    ]


def test_a_phone_in_the_dark_can_review_and_a_lost_connection_loses_nothing(open_page, reviewed_site):
    reviewed_site.change(
        "UPDATE feedback_flag SET state = 'open' WHERE id IN (SELECT id FROM feedback_flag LIMIT 2)"
    )
    phone = {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark", "has_touch": True}
    queue = open_page("/admin/login/?next=/admin/feedback/reviewitem/", site=reviewed_site, **phone)
    page = queue.page
    page.get_by_label("Username").fill("mod")
    page.get_by_label("Password").fill("a long password")
    queue.button("Log in").click()
    uphold = page.get_by_role("button", name=re.compile("^Uphold"))
    expect(uphold).to_be_in_viewport()
    queue.expect_accessible(WCAG)
    queue.picture("review-phone")
    queue.expect_no_sideways_scrolling()
    first = marked(page)
    page.route("**/decide/**", lambda route: route.abort())
    uphold.tap()
    expect(page.get_by_role("alert")).to_contain_text("was not stored")
    assert marked(page) == first
    page.unroute("**/decide/**")
    queue.allow("ERR_FAILED")
    uphold.tap()
    expect(page.get_by_role("status").filter(has_text="Upheld.")).to_be_visible()
    assert marked(page) != first
    assert states(reviewed_site)["open"] == 1


def test_a_page_that_is_loaded_again_keeps_its_items_and_one_that_is_left_lets_go(queue, reviewed_site):
    claims = "SELECT count(*) FROM feedback_claim"
    reviewed_site.change("UPDATE feedback_flag SET state = 'open'")
    page = queue.page
    page.reload()
    assert reviewed_site.rows(claims) == [(2,)]
    # The old page says that it was left, and does so after the new one has claimed its items.
    page.reload()
    time.sleep(1)
    assert reviewed_site.rows(claims) == [(2,)]
    page.goto("about:blank")
    time.sleep(1)
    assert reviewed_site.rows(claims) == [(0,)]


def test_decisions_on_their_way_when_the_page_is_left_are_stored_and_nothing_stays_claimed(
    queue, reviewed_site
):
    reviewed_site.change("UPDATE feedback_flag SET state = 'open'")
    page = queue.page
    page.reload()
    slow = page.context.new_cdp_session(page)
    slow.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 1000, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    # The first is under way, the second waits for its answer.
    page.keyboard.press("d")
    page.keyboard.press("u")
    page.goto("about:blank")
    decided = {"open": FLAGS - 2, "dismissed": 1, "upheld": 1}
    wait_until(lambda: states(reviewed_site) == decided, 10, "both decisions")
    wait_until(lambda: reviewed_site.rows("SELECT count(*) FROM feedback_claim") == [(0,)], 10, "no claim")
