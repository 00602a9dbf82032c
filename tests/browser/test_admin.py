"""The administration in a browser: nothing the security policy blocks, nothing axe objects to."""

import re
import uuid

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold

# The frame of these pages is Django's own; it follows the standard, and not all of axe's further advice.
# Preloading would have axe write style elements, which the security policy forbids.
WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "preload": False,
}
# Of pages that are our own the size of targets is asked, too: Django's boxes for choosing rows are too small.
OUR_OWN = {**WCAG, "rules": {"target-size": {"enabled": True}}}


@pytest.fixture
def admin(chat, open_page, site, worker):
    """An administrator's browser, on a site where a visitor has asked, voted and flagged."""
    worker.will_say("<b>Bold?</b> **Markdown?**")
    chat.add_image("receipt.png")
    chat.ask_and_wait("<script>alert(1)</script>")
    chat.button("Upvote").click()
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "true")
    chat.button("Flag").click()
    chat.page.get_by_role("radio", name="Something else").check()
    chat.button("Submit").click()
    expect(chat.reply.get_by_text("You flagged this.")).to_be_visible()

    name, password = re.search(r"administrator +(\S+), password (\S+)", site.log).groups()
    admin = open_page("/admin/")
    admin.page.get_by_label("Username").fill(name)
    admin.page.get_by_label("Password").fill(password)
    admin.button("Log in").click()
    expect(admin.page.get_by_role("link", name="Conversations", exact=True)).to_be_visible()
    return admin


def test_the_page_to_log_in_has_no_violation(open_page):
    stranger = open_page("/admin/")
    expect(stranger.page.get_by_label("Username")).to_be_visible()
    stranger.expect_accessible(WCAG)


def test_every_list_of_the_administration_opens_without_a_violation(admin):
    admin.expect_accessible(WCAG)
    paths = admin.page.locator("#content-main th a").evaluate_all(
        "(links) => links.map((link) => link.pathname)"
    )
    assert len(paths) > 8
    for path in paths:
        admin.visit(path)
        expect(admin.page.locator("#content h1, #content-main").first).to_be_visible()
        admin.expect_accessible(WCAG)


@pytest.mark.parametrize("look", [{"locale": "zh-CN"}, {"color_scheme": "dark"}], ids=["chinese", "dark"])
def test_the_pages_that_are_our_own_have_no_violation_in_chinese_nor_in_the_dark(admin, open_page, look):
    own = open_page("about:blank", **look)
    own.page.context.add_cookies(admin.page.context.cookies())
    for path in (
        "/admin/",
        "/admin/codes/",
        "/admin/chat/announcement/add/",
        "/admin/chat/conversation/",
        "/admin/chat/embeddingsite/",
        "/admin/chat/moderationcheck/add/",
        "/admin/chat/moderationcheck/add/?kind=guard",
        "/admin/chat/moderationcheck/test/",
        "/admin/chat/runningreply/",
        "/admin/feedback/apitoken/add/",
        "/admin/feedback/export/",
        "/admin/feedback/export/add/",
        "/admin/feedback/reviewitem/",
    ):
        own.visit(path)
        expect(own.page.locator("#content h1, #content-main").first).to_be_visible()
        own.expect_accessible(OUR_OWN)
        own.picture(f"admin-{'-'.join(path.split('/')[2:-1])}-{'-'.join(look.values())}")


@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark"}], ids=["light", "dark"])
def test_what_the_checks_make_of_a_text_fits_a_phone_and_can_be_read(admin, open_page, look):
    phone = open_page("about:blank", viewport={"width": 390, "height": 844}, **look)
    phone.page.context.add_cookies(admin.page.context.cookies())
    phone.visit("/admin/chat/moderationcheck/add/?kind=lists")
    phone.page.get_by_label("Name:").fill(f"What nobody else says {uuid.uuid4().hex[:6]}")
    phone.page.get_by_label("Words:").fill("xyzzyplugh")
    phone.page.get_by_role("button", name="Save", exact=True).click()
    phone.visit("/admin/chat/moderationcheck/test/")
    phone.page.get_by_label("Text:").fill("What is an xyzzyplugh?")
    phone.button("Try").click()
    expect(phone.page.locator("#outcome blockquote")).to_be_visible()
    phone.expect_no_sideways_scrolling()
    phone.expect_accessible(OUR_OWN)


def test_a_conversation_reads_as_a_chat_and_shows_visitors_text_as_text(admin):
    admin.visit("/admin/chat/conversation/")
    admin.page.locator("#result_list tbody th a").first.click()
    expect(admin.page.get_by_text("<script>alert(1)</script>").first).to_be_visible()
    expect(admin.page.get_by_text("<b>Bold?</b> **Markdown?**").first).to_be_visible()
    expect(admin.page.locator("#content img").first).to_be_visible()
    admin.expect_accessible(WCAG)
    admin.picture("admin-conversation")


def test_what_runs_now_shows_by_itself_and_is_stopped(admin, chat, worker):
    admin.visit("/admin/chat/runningreply/")
    expect(admin.page.get_by_text("No reply runs or waits.")).to_be_visible()
    admin.expect_accessible(WCAG)
    hold = Hold()
    worker.will_say("So far.", hold, " And on.")
    chat.ask("Tell me more")
    expect(chat.reply.get_by_text("So far.")).to_be_visible()
    stop = admin.page.get_by_role("button", name=re.compile("^Stop reply "))
    expect(stop).to_be_visible(timeout=15_000)  # nobody reloaded the page
    admin.expect_accessible(WCAG)
    admin.picture("admin-running")
    stop.focus()
    admin.page.evaluate("document.querySelector('#overview p').id = 'before'")
    expect(admin.page.locator("#before")).to_have_count(0, timeout=15_000)
    expect(stop).to_be_focused()
    admin.page.keyboard.press("Enter")
    expect(admin.page.get_by_text("The reply is being stopped.")).to_be_visible()
    expect(chat.reply.get_by_text("This reply was stopped.")).to_be_visible(timeout=15_000)
    expect(admin.page.get_by_text("No reply runs or waits.")).to_be_visible(timeout=15_000)
    hold.set()
    admin.visit("/admin/chat/auditentry/")
    expect(admin.page.get_by_role("cell", name="stop", exact=True)).to_be_visible()


def test_a_page_of_what_runs_now_keeps_still_while_its_box_is_unticked(admin):
    admin.page.clock.install()
    admin.visit("/admin/chat/runningreply/")
    box = admin.page.get_by_label("Refresh every 2 seconds")
    box.uncheck()
    asked = []
    admin.page.on("request", lambda request: asked.append(request.url))
    admin.page.evaluate("document.querySelector('#overview p').id = 'before'")
    for _ in range(3):
        admin.page.clock.fast_forward(10_000)
    box.check()
    with admin.page.expect_response("**/runningreply/"):
        admin.page.clock.fast_forward(2_000)
    expect(admin.page.locator("#before")).to_have_count(0)
    assert len(asked) == 1
