"""Conversations have addresses, Clear begins a new one, History leads back."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.browser.long_conversations import copy_conversation, lengthen
from tests.browser.scripted_worker import Hold
from tests.running import wait_until

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def history(chat):
    chat.button("History").click()
    return chat.page.get_by_role("dialog", name="Earlier chats")


def test_clear_begins_anew_and_history_leads_back(chat, worker):
    worker.will_say("A reply to keep.")
    chat.ask_and_wait("A question to keep")
    chat.expect_own_address()
    first = chat.page.url
    chat.button("Clear").click()
    expect(chat.page).to_have_url(f"{chat.url}/")
    expect(chat.questions).to_have_count(0)
    expect(chat.message).to_be_focused()
    expect(chat.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()

    chat.ask_and_wait("Something else")
    expect(chat.page).not_to_have_url(first)
    history(chat).get_by_role("link", name="A question to keep").click()
    expect(chat.page).to_have_url(first)
    chat.expect_text("A reply to keep.")
    expect(chat.page).to_have_title(re.compile("A question to keep"))


def test_back_and_forward_move_between_conversations(chat, worker):
    worker.will_say("First reply.")
    worker.will_say("Second reply.")
    chat.ask_and_wait("First")
    chat.button("Clear").click()
    chat.ask_and_wait("Second")
    chat.page.go_back()
    expect(chat.questions).to_have_count(0)
    chat.page.go_back()
    chat.expect_text("First reply.")
    chat.page.go_forward()
    chat.page.go_forward()
    chat.expect_text("Second reply.")


def test_clear_in_mid_reply_leaves_the_reply_to_its_conversation(chat, worker):
    worker.will_say("A long one.")
    chat.ask("First")
    chat.button("Clear").click()
    worker.will_say("Only this.")
    chat.ask_and_wait("Second")
    chat.expect_text("Only this.")
    expect(chat.questions).to_have_count(1)
    history(chat).get_by_role("link", name="First").click()
    chat.expect_text("A long one.")


def test_a_message_sent_before_the_one_cleared_away_was_acknowledged_gets_its_reply(chat, worker):
    held, lines, hold = [], [], Hold()

    def keep_back(line):
        site = line.connect_to_server()
        lines.append(line)

        def pass_on(frame):
            if held or '"accepted"' in frame:
                held.append(frame)
            else:
                line.send(frame)

        site.on_message(pass_on)

    chat.page.route_web_socket(re.compile("/ws/chat/"), keep_back)
    chat.reload()
    chat.wait_for_connection()
    worker.will_say("A long one.")
    worker.will_say("Only ", hold, "this.")
    chat.ask("First")
    chat.button("Clear").click()
    chat.ask("Second")
    # Playwright hands frames over only while it is waited with.
    wait_until(lambda: chat.page.wait_for_timeout(50) or any("Only" in frame for frame in held))
    for frame in held:
        lines[-1].send(frame)
    del held[:]
    chat.expect_text("Only ")
    hold.set()
    chat.expect_text("Only this.")
    expect(chat.questions).to_have_count(1)


def test_history_of_a_new_visitor_says_that_it_is_empty(chat):
    expect(history(chat).get_by_text("Nothing here yet.")).to_be_visible()
    chat.expect_accessible()
    chat.button("Close").click()
    expect(chat.page.get_by_role("dialog")).to_be_hidden()
    expect(chat.button("History")).to_be_focused()


def test_history_marks_where_the_visitor_is(chat):
    chat.ask_and_wait("Right here")
    chat.expect_own_address()
    link = history(chat).get_by_role("link", name="Right here")
    expect(link).to_have_attribute("aria-current", "page")
    chat.expect_accessible()
    chat.picture("history")


def test_somebody_elses_conversation_is_the_same_page_as_none(chat, open_page):
    chat.ask_and_wait("Private")
    chat.expect_own_address()
    path = chat.page.url.removeprefix(chat.url)
    stranger = open_page()
    stranger.allow("404 (Not Found)")
    stranger.visit(path)
    theirs = stranger.page.locator("main").inner_text()
    stranger.visit("/c/00000000-0000-4000-8000-000000000000/")
    assert stranger.page.locator("main").inner_text() == theirs
    assert "Private" not in theirs


def id_of(chat):
    chat.expect_own_address()
    return re.search(r"[0-9a-f-]{36}", chat.page.url)[0]


def test_history_is_grouped_by_day_and_loads_as_one_scrolls(open_page, worker, site):
    chat = open_page(timezone_id="UTC")
    chat.ask_and_wait("Asked just now")
    now = datetime.now(UTC).replace(tzinfo=None)
    days = [1, 1, 3, 6, *range(20, 120)]
    for day in days:
        copy_conversation(site, id_of(chat), f"{day} days ago", now - timedelta(days=day))
    drawer = history(chat)
    headings = drawer.get_by_role("heading", level=3)
    expect(headings.nth(3)).to_be_visible()
    month = (now - timedelta(days=20)).strftime("%B %Y")
    assert headings.all_inner_texts()[:4] == ["Today", "Yesterday", "Last 7 days", month]
    expect(drawer.get_by_role("link")).to_have_count(50)
    chat.picture("history-by-day")
    chat.expect_accessible()
    while drawer.get_by_role("link").count() < 1 + len(days):
        before = drawer.get_by_role("link").count()
        drawer.get_by_role("link").last.scroll_into_view_if_needed()
        expect(drawer.get_by_role("link").nth(before)).to_be_attached()
    expect(drawer.get_by_role("button", name="Show more")).to_be_hidden()
    assert len(set(headings.all_inner_texts())) == headings.count()


def test_history_is_searched_in_titles_and_messages(open_page, worker):
    chat = open_page(**PHONE)
    worker.will_say("The chart shows **bicycles** in Ghent.")
    chat.ask_and_wait("What is this?")
    chat.button("Clear").click()
    chat.ask_and_wait("Bicycles again")
    chat.button("Clear").click()
    chat.ask_and_wait("Something else")
    drawer = history(chat)
    search = drawer.get_by_role("searchbox", name="Search in your chats")
    search.fill("bicycles")
    expect(drawer.get_by_role("link")).to_have_count(2)
    expect(drawer.get_by_role("link").nth(0).locator("mark")).to_have_text("Bicycles")
    expect(drawer.get_by_role("link").nth(1).locator("mark")).to_have_text("bicycles")
    expect(drawer.get_by_role("link").nth(1)).to_contain_text("The chart shows **bicycles** in Ghent.")
    chat.expect_accessible()
    chat.expect_no_sideways_scrolling()
    chat.picture("history-search")
    search.fill("zebra <img src=x>")
    expect(drawer.get_by_text("Nothing found for “zebra <img src=x>”.")).to_be_visible()
    search.fill("bicycles")
    drawer.get_by_role("link", name="What is this?").click()
    chat.expect_text("The chart shows bicycles in Ghent.")
    expect(history(chat).get_by_role("link")).to_have_count(3)


def test_what_was_found_in_a_long_conversation_is_brought_into_sight(chat, worker, site):
    chat.ask_and_wait("Where it began")
    lengthen(site, id_of(chat), turns=60)
    chat.button("Clear").click()
    drawer = history(chat)
    drawer.get_by_role("searchbox").fill("question 7")
    expect(drawer.locator("mark")).to_have_text("question 7")
    drawer.get_by_role("link", name="Where it began").click()
    expect(chat.log.get_by_text("question 7", exact=True)).to_be_in_viewport()
    expect(chat.page.get_by_text("answer 60", exact=True)).not_to_be_in_viewport()
    chat.button("To the newest").click()
    expect(chat.page.get_by_text("answer 60", exact=True)).to_be_in_viewport()


def test_a_conversation_is_renamed_here_and_in_another_tab(chat, worker, open_page):
    chat.ask_and_wait("First name")
    other = open_page(f"/c/{id_of(chat)}/", context=chat.page.context)
    expect(other.page).to_have_title(re.compile("First name"))
    drawer = history(chat)
    drawer.get_by_role("button", name="Rename “First name”").click()
    title = drawer.get_by_role("textbox", name="Title")
    expect(title).to_be_focused()
    chat.expect_accessible()
    title.fill("Never mind")
    title.press("Escape")
    expect(drawer.get_by_role("button", name="Rename “First name”")).to_be_focused()
    drawer.get_by_role("button", name="Rename “First name”").click()
    title.fill("<b>Second</b> name")
    title.press("Enter")
    expect(drawer.get_by_role("link", name="<b>Second</b> name")).to_be_visible()
    for tab in (chat, other):
        expect(tab.page).to_have_title(re.compile("<b>Second</b> name"))
    chat.reload()
    expect(chat.page.locator("#conversation-title")).to_have_text("<b>Second</b> name")


def test_a_search_that_fails_says_so_and_can_be_tried_again(chat, worker):
    chat.ask_and_wait("Findable")
    chat.expect_own_address()
    chat.allow("ERR_FAILED")
    drawer = history(chat)
    expect(drawer.get_by_role("link")).to_have_count(1)
    chat.page.route("**/history/?q=*", lambda route: route.abort())
    drawer.get_by_role("searchbox").fill("findable")
    expect(drawer.get_by_text("The site could not be reached.")).to_be_visible()
    chat.page.unroute("**/history/?q=*")
    drawer.get_by_role("button", name="Try again").click()
    expect(drawer.get_by_role("link", name="Findable")).to_be_visible()
