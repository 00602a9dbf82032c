"""Terms before the first message, the research switch, and deletion, as visitors meet them."""

import re
import sqlite3

from playwright.sync_api import expect

from tests.browser.chat_page import EXAMPLES
from tests.browser.scripted_worker import Hold
from tests.running import wait_until


def test_the_terms_come_before_the_first_message_and_nothing_written_is_lost(open_page, worker, site, terms):
    terms("a", "Be **kind**.")
    chat = open_page()
    dialog = chat.page.get_by_role("dialog", name="Terms of use")
    chat.ask("May I ask?")
    expect(dialog.get_by_text("Be kind.")).to_be_visible()
    chat.expect_accessible()
    chat.button("Not now").click()
    expect(chat.problem).to_have_text("Nothing was sent, because the terms of use come first.")
    expect(chat.message).to_have_value("May I ask?")

    chat.button("Add image").set_input_files(EXAMPLES / "shapes.png")
    expect(dialog).to_be_visible()
    chat.button("Accept").click()
    expect(chat.thumbnails.first).to_have_attribute("data-state", "ready")
    chat.button("Send").click()
    chat.expect_text("This is my answer.")
    assert site.rows("SELECT terms_version FROM chat_visitor ORDER BY created DESC LIMIT 1")[0][0].startswith(
        "a-"
    )

    # A version that this page does not know of yet: the site refuses, and the page asks and sends again.
    terms("b", "Be very kind.")
    chat.page.wait_for_timeout(1100)  # so long a process may keep the version before
    chat.ask("And again?")
    expect(dialog.get_by_text("Be very kind.")).to_be_visible()
    expect(chat.message).to_have_value("And again?")
    chat.button("Accept").click()
    expect(chat.replies).to_have_count(2)
    chat.expect_state("complete")
    chat.reload()
    expect(chat.replies).to_have_count(2)
    chat.ask_and_wait("No question any more?")


def test_research_is_off_until_it_is_switched_on(open_page, worker, site):
    site.change("UPDATE chat_sitetext SET offers_research = 1, research_text = 'By *us*.'")
    try:
        chat = open_page()
        chat.ask_and_wait()
        chat.button("Your data").click()
        switch = chat.page.get_by_role("switch", name="My chats may be used for research")
        expect(switch).not_to_be_checked()
        expect(chat.page.get_by_text("By us.")).to_be_visible()
        switch.check()
        expect(chat.page.get_by_text("Thank you. Your chats may be used for research.")).to_be_visible()
        chat.expect_accessible()
        assert site.rows("SELECT research FROM chat_conversation ORDER BY created DESC LIMIT 1") == [(1,)]
        chat.reload()
        chat.button("Your data").click()
        expect(switch).to_be_checked()
        switch.uncheck()
        expect(chat.page.get_by_text("Your chats may not be used for research.")).to_be_visible()
        assert site.rows("SELECT research FROM chat_conversation ORDER BY created DESC LIMIT 1") == [(0,)]
    finally:
        site.change("UPDATE chat_sitetext SET offers_research = 0, research_text = ''")


def test_a_conversation_is_deleted_in_every_tab_also_while_its_reply_streams(open_page, worker, site):
    chat = open_page()
    chat.ask_and_wait("The first one")
    chat.button("Clear").click()
    worker.will_say("It begins", Hold(), " never said.")
    chat.ask("The second one")
    chat.expect_state("streaming")
    chat.expect_own_address()
    other = open_page(chat.page.url.removeprefix(chat.url), context=chat.page.context)
    other.expect_state("streaming")
    chat.button("Delete this conversation").click()
    chat.expect_accessible()
    chat.button("Cancel").click()
    chat.button("Delete this conversation").click()
    chat.page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    for page in (chat, other):
        expect(page.replies).to_have_count(0)
        expect(page.page).to_have_url(f"{chat.url}/")
        expect(page.button("Delete this conversation")).to_be_hidden()
    newest = "SELECT state FROM chat_message WHERE role = 'assistant' ORDER BY created DESC LIMIT 1"
    wait_until(lambda: site.rows(newest) == [("stopped",)])

    chat.button("History").click()
    chat.button("Delete “The first one”").click()
    chat.page.get_by_role("dialog", name="Delete this conversation?").get_by_role(
        "button", name="Delete"
    ).click()
    expect(chat.page.get_by_text("Nothing here yet.")).to_be_visible()


def test_everything_is_deleted_here_or_by_a_receipt_elsewhere(open_page, worker, site):
    chat = open_page()
    chat.ask_and_wait("Mine")
    chat.button("Your data").click()
    chat.button("Give me a code").click()
    code = chat.page.locator("#own-data code")
    expect(code).to_have_text(re.compile(r"^(\w{4}-){5}\w{4}$"))
    elsewhere = open_page("/receipt/")
    elsewhere.expect_accessible()
    elsewhere.page.get_by_label("Receipt code").fill(code.text_content().lower())
    elsewhere.button("Delete everything").click()
    expect(elsewhere.page.get_by_role("status")).to_contain_text("no longer shown or exported")
    expect(chat.page.get_by_text("This page needs its cookie to go on. Reload it.")).to_be_visible()
    chat.button("Close").click()
    expect(chat.replies).to_have_count(0)

    chat.visit()
    chat.ask_and_wait("Mine again")
    chat.write("A draft")
    before = chat.page.context.cookies()
    chat.button("Your data").click()
    chat.button("Delete everything of mine").click()
    chat.page.get_by_role("dialog", name="Delete everything of yours?").get_by_role(
        "button", name="Delete"
    ).click()
    expect(chat.page).to_have_url(f"{chat.url}/")
    expect(chat.replies).to_have_count(0)
    expect(chat.message).to_have_value("")
    assert chat.page.context.cookies() != before
    with sqlite3.connect(site.folder / "mmchat.sqlite3") as database:
        left = database.execute(
            "SELECT count(*) FROM chat_conversation WHERE title LIKE 'Mine%' AND deleted IS NULL"
        )
        assert left.fetchone() == (0,)
    database.close()
    chat.ask_and_wait("Somebody new")
