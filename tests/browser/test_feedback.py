"""Votes and flags on replies: stored at once, confirmed, shown again after a reload."""

from playwright.sync_api import expect


def test_every_reply_can_be_voted_on_and_flagged(chat):
    chat.ask_and_wait("One.")
    chat.ask_and_wait("Two.")
    for name in ("Upvote", "Downvote", "Flag"):
        expect(chat.button(name)).to_have_count(2)
    expect(chat.button("Regenerate").locator("visible=true")).to_have_count(1)


def test_a_vote_is_confirmed_changed_taken_back_and_there_after_a_reload(chat):
    chat.ask_and_wait()
    chat.button("Upvote").click()
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "true")
    expect(chat.reply.get_by_text("You upvoted this. Thank you.")).to_be_visible()

    chat.button("Downvote").click()
    expect(chat.button("Downvote")).to_have_attribute("aria-pressed", "true")
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "false")
    chat.reload()
    expect(chat.button("Downvote")).to_have_attribute("aria-pressed", "true")
    expect(chat.reply.get_by_text("You downvoted this. Thank you.")).to_be_visible()

    chat.button("Downvote").click()
    expect(chat.button("Downvote")).to_have_attribute("aria-pressed", "false")
    chat.reload()
    expect(chat.button("Downvote")).to_have_attribute("aria-pressed", "false")


def test_a_flag_asks_why_and_is_there_after_a_reload(chat, site):
    chat.ask_and_wait()
    chat.button("Flag").click()
    dialog = chat.page.get_by_role("dialog", name="Report this reply")
    dialog.get_by_role("radio", name="Dangerously false").check()
    dialog.get_by_role("textbox", name="Comment").fill("It is 20.40, not 24.")
    chat.expect_accessible()
    chat.button("Submit").click()
    expect(dialog).to_be_hidden()
    expect(chat.reply.get_by_text("You flagged this. We will look at it.")).to_be_visible()

    chat.reload()
    expect(chat.reply.get_by_text("You flagged this. We will look at it.")).to_be_visible()
    assert site.rows("SELECT comment FROM feedback_flag WHERE comment <> ''") == [("It is 20.40, not 24.",)]


def test_a_flag_can_be_called_off(chat, site):
    chat.ask_and_wait()
    before = site.rows("SELECT count(*) FROM feedback_flag")
    chat.button("Flag").click()
    expect(chat.page.get_by_role("dialog")).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("dialog")).to_be_hidden()
    expect(chat.button("Flag")).to_be_focused()
    assert site.rows("SELECT count(*) FROM feedback_flag") == before


def test_a_vote_that_can_not_be_stored_says_so(chat):
    chat.ask_and_wait()
    chat.allow("500 (Internal Server Error)")
    chat.page.route("**/vote/", lambda route: route.fulfill(status=500, body="<h1>Server Error</h1>"))
    chat.button("Upvote").click()
    expect(chat.page.get_by_text("That did not work. Please try again.")).to_be_visible()
    chat.expect_accessible()
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "false")
