"""What a review found in the page: small screens, wide replies, the embed, careless reports, pages out of date."""

import re

import pytest
from playwright.sync_api import expect

SMALL_PHONE = {"width": 320, "height": 568}
LYING_PHONE = {"width": 568, "height": 320}
OUT_OF_DATE = "This page is out of date. Reload it and try again; your text stays here."
WIDE_REPLIES = {
    "a long formula": "So $x_{" + "1234567890" * 20 + "}$ it is.",
    "nested lists": "\n".join("  " * depth + f"- level {depth}" for depth in range(25)),
    "nested numbers": "\n".join("   " * depth + f"1. level {depth}" for depth in range(25)),
    "nested quotes": "\n".join("> " * depth + f"level {depth}\n" + "> " * depth for depth in range(1, 20)),
}


def is_hit_at_its_centre(control) -> bool:
    return control.evaluate(
        """(control) => {
            const { x, y, width, height } = control.getBoundingClientRect();
            return control.contains(document.elementFromPoint(x + width / 2, y + height / 2));
        }"""
    )


def let_the_token_age(chat) -> None:
    """Do what a log-in in another tab does: the browser's token is no longer the one of this page."""
    chat.page.context.add_cookies([{"name": "csrftoken", "value": "a" * 32, "url": chat.url}])
    chat.allow("403 (Forbidden)")


@pytest.mark.parametrize("size", [SMALL_PHONE, LYING_PHONE, {"width": 390, "height": 844}])
def test_an_image_can_be_added_in_the_first_view_of_a_phone(open_page, worker, size):
    chat = open_page(viewport=size, has_touch=True, is_mobile=True)
    expect(chat.page.get_by_role("heading", name="Try an example")).to_be_visible()
    assert is_hit_at_its_centre(chat.button("Add image"))
    assert is_hit_at_its_centre(chat.button("Send"))


@pytest.mark.parametrize("kind", WIDE_REPLIES)
def test_a_wide_reply_stays_within_a_small_phone(open_page, worker, kind):
    worker.will_say(WIDE_REPLIES[kind])
    chat = open_page(viewport=SMALL_PHONE, has_touch=True, is_mobile=True)
    chat.ask_and_wait()
    if "$" in WIDE_REPLIES[kind]:
        expect(chat.reply_text.locator(".is-drawn")).to_have_count(1)
    chat.expect_no_sideways_scrolling()
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= 320
    chat.expect_accessible()
    chat.picture(f"small-phone-{kind.replace(' ', '-')}")


def test_a_long_formula_is_read_by_scrolling_it_alone(open_page, worker):
    worker.will_say(WIDE_REPLIES["a long formula"])
    chat = open_page(viewport=SMALL_PHONE, has_touch=True, is_mobile=True)
    chat.ask_and_wait()
    formula = chat.reply_text.locator(".is-drawn.is-wide")
    formula.focus()
    expect(formula).to_be_focused()
    assert formula.evaluate("(element) => element.scrollWidth > element.clientWidth")
    assert chat.reply_text.evaluate("(element) => element.scrollWidth <= element.clientWidth")


def test_a_short_formula_stands_on_the_line_of_its_words(chat, worker):
    worker.will_say("So $x_1$ it is.")
    chat.ask_and_wait()
    expect(chat.reply_text.locator(".is-drawn")).to_have_css("display", "inline")


def test_the_embed_stays_the_embed_with_its_conversation(open_page, worker):
    chat = open_page("/embed/")
    chat.ask_and_wait("Embedded?")
    expect(chat.page).to_have_url(f"{chat.url}/embed/")
    chat.reload()
    expect(chat.page).to_have_url(f"{chat.url}/embed/")
    expect(chat.page.locator(".brand, .terms")).to_have_count(0)
    expect(chat.questions.locator(".question-text")).to_have_text("Embedded?")
    chat.expect_text("This is my answer.")

    chat.button("Clear").click()
    expect(chat.questions).to_have_count(0)
    expect(chat.page).to_have_url(f"{chat.url}/embed/")
    chat.page.go_back()
    chat.expect_text("This is my answer.")


def test_a_flag_without_a_reason_is_not_stored(chat, site):
    chat.ask_and_wait()
    before = site.rows("SELECT count(*) FROM feedback_flag")
    chat.button("Flag").click()
    dialog = chat.page.get_by_role("dialog", name="Report this reply")
    reasons = dialog.get_by_role("radio")
    expect(reasons.first).to_be_focused()
    expect(dialog.get_by_role("radio", checked=True)).to_have_count(0)
    chat.button("Submit").click()
    expect(dialog).to_be_visible()
    assert reasons.first.evaluate("(reason) => reason.validity.valueMissing && reason.validationMessage")
    assert site.rows("SELECT count(*) FROM feedback_flag") == before

    reasons.last.check()
    chat.button("Submit").click()
    expect(dialog).to_be_hidden()
    expect(chat.reply.get_by_text("You flagged this.")).to_be_visible()


def test_a_vote_from_a_page_out_of_date_offers_to_reload_it(chat):
    chat.ask_and_wait()
    let_the_token_age(chat)
    chat.button("Upvote").click()
    expect(chat.page.locator("#update")).to_contain_text(OUT_OF_DATE)
    chat.button("Reload").click()
    expect(chat.page.locator("#update")).to_be_hidden()
    chat.button("Upvote").click()
    expect(chat.button("Upvote")).to_have_attribute("aria-pressed", "true")


def test_a_flag_from_a_page_out_of_date_is_kept_through_the_reload(chat, site):
    chat.ask_and_wait()
    let_the_token_age(chat)
    chat.button("Flag").click()
    dialog = chat.page.get_by_role("dialog", name="Report this reply")
    dialog.get_by_role("radio", name="Offensive").check()
    dialog.get_by_role("textbox", name="Comment").fill("Not how one speaks.")
    chat.button("Submit").click()
    expect(dialog.get_by_role("alert")).to_have_text(OUT_OF_DATE)
    expect(chat.button("Submit")).to_be_hidden()
    expect(chat.button("Reload")).to_be_focused()
    chat.expect_accessible()
    chat.button("Reload").click()

    chat.button("Flag").click()
    expect(dialog.get_by_role("radio", name="Offensive")).to_be_checked()
    chat.button("Submit").click()
    expect(chat.reply.get_by_text("You flagged this.")).to_be_visible()
    assert site.rows("SELECT reason FROM feedback_flag WHERE comment = 'Not how one speaks.'") == [
        ("offensive",)
    ]


def test_an_upload_from_a_page_out_of_date_offers_to_reload_it(chat):
    let_the_token_age(chat)
    chat.write("Look at this")
    chat.button("Add image").set_input_files("static/examples/chart.png")
    expect(chat.thumbnails.get_by_role("alert")).to_have_text(OUT_OF_DATE)
    expect(chat.button("Try again")).to_be_hidden()
    chat.expect_accessible()
    chat.button("Reload").click()
    expect(chat.message).to_have_value("Look at this")
    chat.add_image("chart.png")


def test_lists_of_the_administration_fit_beside_their_filters(chat, open_page, site, worker):
    worker.will_say("The reply begins with AWordThatHasNoPlaceToBreakInAndIsLong and goes on.")
    chat.ask_and_wait("What does this rather long question of several words ask about?")
    chat.button("Upvote").click()
    chat.button("Flag").click()
    chat.page.get_by_role("radio", name="Dangerously false").check()
    comment = chat.page.get_by_role("dialog").get_by_role("textbox", name="Comment")
    comment.fill("A comment with AWordThatHasNoPlaceToBreakIn. " * 4)
    chat.button("Submit").click()
    expect(chat.reply.get_by_text("You flagged this.")).to_be_visible()

    name, password = re.search(r"administrator +(\S+), password (\S+)", site.log).groups()
    admin = open_page("/admin/")
    admin.page.get_by_label("Username").fill(name)
    admin.page.get_by_label("Password").fill(password)
    admin.button("Log in").click()
    expect(admin.page.get_by_role("link", name="Conversations", exact=True)).to_be_visible()
    for table in ("feedback/vote", "feedback/flag", "chat/message", "chat/conversation"):
        admin.visit(f"/admin/{table}/")
        results = admin.page.locator(".results")
        expect(results.locator("tbody tr").first).to_be_visible()
        assert results.evaluate("(element) => element.scrollWidth <= element.clientWidth"), table
        admin.picture(f"admin-{table.replace('/', '-')}")
