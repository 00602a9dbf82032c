"""The administration in a browser: nothing the security policy blocks, nothing axe objects to."""

import re

import pytest
from playwright.sync_api import expect

# The frame of these pages is Django's own; it follows the standard, and not all of axe's further advice.
# Preloading would have axe write style elements, which the security policy forbids.
WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "preload": False,
}


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
    admin.expect_accessible(WCAG)
    admin.page.get_by_label("Username").fill(name)
    admin.page.get_by_label("Password").fill(password)
    admin.button("Log in").click()
    expect(admin.page.get_by_role("link", name="Conversations", exact=True)).to_be_visible()
    return admin


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


def test_a_conversation_reads_as_a_chat_and_shows_visitors_text_as_text(admin):
    admin.visit("/admin/chat/conversation/")
    admin.page.locator("#result_list tbody th a").first.click()
    expect(admin.page.get_by_text("<script>alert(1)</script>").first).to_be_visible()
    expect(admin.page.get_by_text("<b>Bold?</b> **Markdown?**").first).to_be_visible()
    expect(admin.page.locator("#content img").first).to_be_visible()
    admin.expect_accessible(WCAG)
    admin.picture("admin-conversation")
