"""Waiting: the place in line, the first word, a conversation that loads; and how quickly a reply came."""

import re

from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold, ScriptedWorker


def test_visitors_in_line_see_their_place_move(start_site, open_page):
    site = start_site("--concurrency-count", "1")
    worker = ScriptedWorker()
    worker.register(site.controller)
    site.wait_for_model()
    first_hold, second_hold = Hold(), Hold()
    worker.will_say("First", first_hold)
    worker.will_say("Second", second_hold)
    first, second, third = (open_page(site=site) for _ in range(3))

    first.ask("One")
    first.expect_text("First")
    second.ask("Two")
    expect(second.reply).to_contain_text("You are number 1 in line")
    third.ask("Three")
    expect(third.reply).to_contain_text("You are number 2 in line")
    third.picture("in-line")
    third.expect_accessible()

    first_hold.set()
    second.expect_text("Second")
    expect(third.reply).to_contain_text("You are number 1 in line")
    third.button("Stop").click()
    third.expect_state("stopped")
    second_hold.set()
    second.expect_state("complete")
    worker.close()


def test_before_the_first_word_the_page_says_what_it_waits_for(chat, worker):
    hold = Hold()
    worker.will_say(hold, "At last.")
    chat.ask("Hello?")
    expect(chat.reply.get_by_text("Waiting for the first word…")).to_be_visible()
    chat.expect_accessible()
    hold.set()
    chat.expect_text("At last.")
    expect(chat.reply.get_by_text("Waiting for the first word…")).to_be_hidden()


def test_a_reply_tells_how_quickly_it_came_also_after_a_reload(chat, worker):
    hold = Hold()
    worker.will_say(
        "The first words", hold, ", and a good many more of them, until there are enough to count."
    )
    chat.ask("Hello?")
    chat.expect_text("The first words")
    expect(chat.reply.locator(".pace")).to_be_hidden()
    chat.page.wait_for_timeout(600)
    hold.set()
    chat.expect_state("complete")
    pace = re.compile(r"^[\d.]+ s to the first word · \d+ characters/s$")
    expect(chat.reply.locator(".pace")).to_have_text(pace)
    chat.reload()
    expect(chat.reply.locator(".pace")).to_have_text(pace)
    chat.expect_accessible()


def test_tokens_count_where_a_worker_counts_them(chat, worker, site):
    worker.will_say("Counted.")
    chat.ask_and_wait()
    two_seconds = "strftime('%Y-%m-%d %H:%M:%f', first_answered, '+2 seconds')"
    site.change(
        f"UPDATE chat_message SET output_tokens = 80, finished = {two_seconds} WHERE text = 'Counted.'"
    )
    chat.reload()
    expect(chat.reply.locator(".pace")).to_contain_text("s to the first word · 40 tokens/s")


def test_a_conversation_that_loads_is_no_blank_page(chat, worker):
    chat.ask_and_wait()
    chat.expect_own_address()
    chat.page.route_web_socket(
        re.compile("/ws/chat/"), lambda socket: None
    )  # takes everything, and says nothing
    chat.reload()
    expect(chat.log).to_have_attribute("aria-busy", "true")
    expect(chat.page.locator("#welcome")).to_be_hidden()
    chat.expect_accessible()
    chat.page.unroute_all()


def test_a_vote_that_can_not_be_stored_says_so_beside_its_reply_and_goes_through_later(chat, worker):
    chat.allow("ERR_FAILED")
    chat.ask_and_wait()
    chat.page.route("**/vote/", lambda route: route.abort())
    chat.button("Upvote").click()
    expect(chat.reply.get_by_text("Check your connection and try again.")).to_be_visible()
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "false")
    chat.page.unroute("**/vote/")
    chat.button("Upvote").click()
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "true")
    expect(chat.reply.get_by_text("Check your connection and try again.")).to_be_hidden()


def test_a_history_that_loads_shows_where_its_entries_will_be(chat, worker):
    held = []
    chat.page.route("**/history/**", lambda route: held.append(route))  # no answer comes
    chat.button("History").click()
    groups = chat.page.locator(".history-groups")
    expect(groups).to_have_attribute("aria-busy", "true")
    expect(chat.page.get_by_text("Loading…")).to_be_visible()
    chat.page.wait_for_function("document.querySelector('.history-groups').offsetHeight > 100")
    chat.allow("ERR_FAILED")
    for route in held:
        route.abort()
