"""Further visitors wait in a queue and see their place move."""

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
