"""What can't be sent: clear words that name the limit, the draft kept, nothing else disturbed."""

import re
import time

from playwright.sync_api import expect

from tests.browser.scripted_worker import Hold


def test_an_empty_message_is_explained(chat):
    chat.button("Send").click()
    expect(chat.problem).to_have_text("Write a message or add an image.")
    chat.write("   \n ")
    chat.button("Send").click()
    expect(chat.problem).to_have_text("Write a message or add an image.")
    expect(chat.message).to_have_attribute("aria-invalid", "true")
    chat.write("Something")
    expect(chat.problem).to_have_text("")


def test_an_image_alone_is_a_message(chat, worker):
    chat.add_image("shapes.png")
    chat.button("Send").click()
    chat.expect_text("This is my answer.")


def test_a_message_that_is_too_long_is_counted_and_kept(chat, worker):
    text = "🦜" * 100_000
    chat.write(text)
    expect(chat.page.locator("#counter")).to_have_text("100,000 of 16,000 characters")
    chat.button("Send").click()
    expect(chat.problem).to_have_text("Your message has 100,000 characters; at most 16,000 can be sent.")
    expect(chat.message).to_have_value(text)
    chat.ask_and_wait("🦜" * 16_000)
    assert len(worker.requests) == 1


def test_who_writes_too_much_is_told_the_wait_and_keeps_the_text(chat, worker, site):
    rule = """UPDATE chat_limitrule SET amount = {} WHERE counted = 'messages' AND "by" = 'visitor'"""
    site.change(rule.format(1))
    try:
        time.sleep(1.1)  # the site reads its rules once a second
        chat.ask_and_wait("First")
        chat.ask("Second")
        expect(chat.problem).to_have_text(re.compile(r"^That was too much at once\. Wait \d+ seconds\.$"))
        expect(chat.message).to_have_value("Second")
        expect(chat.questions).to_have_count(1)
    finally:
        site.change(rule.format(30))


def test_a_text_is_refused_before_it_is_sent(chat, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    chat.button("Add image").set_input_files(tmp_path / "notes.txt")
    expect(chat.problem).to_have_text("notes.txt is not a PNG, JPEG, WebP or GIF image.")
    expect(chat.thumbnails).to_have_count(0)


def test_a_hundred_megabytes_are_refused_before_they_are_sent(chat, tmp_path):
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    chat.button("Add image").set_input_files(tmp_path / "large.png")
    expect(chat.problem).to_have_text("large.png has 100 MB; an image may have 10 MB.")
    expect(chat.thumbnails).to_have_count(0)


def test_a_text_named_png_is_refused_by_the_site_and_can_be_removed(chat, worker):
    chat.allow("status of 4")
    chat.write("Look at this")
    chat.button("Add image").set_input_files(
        {"name": "fake.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(chat.thumbnails).to_have_attribute("data-state", "failed")
    expect(chat.thumbnails.get_by_role("alert")).not_to_be_empty()
    chat.expect_accessible()
    chat.picture("failed-image")
    chat.button("Send").click()
    expect(chat.problem).to_have_text("An image did not arrive. Try it again or remove it.")
    chat.button("Remove fake.png").click()
    chat.button("Send").click()
    chat.expect_text("This is my answer.")


def test_an_upload_that_the_site_was_too_busy_for_is_sent_again_by_itself(chat):
    busy = {"error": {"code": "images_busy", "text": "Too many.", "field": "image", "limit": None}}
    asked = []

    def refuse(route):
        asked.append(route)
        route.fulfill(status=429, json=busy)

    chat.allow("status of 429")
    chat.page.route("**/uploads/", refuse, times=2)
    chat.add_image("receipt.png")
    assert len(asked) == 2
    expect(chat.page.get_by_text("Too many.")).to_have_count(0)


def test_an_upload_that_broke_off_can_be_tried_again(chat):
    chat.allow("ERR_FAILED")
    chat.page.route("**/uploads/", lambda route: route.abort(), times=1)
    chat.button("Add image").set_input_files("static/examples/chart.png")
    expect(chat.thumbnails).to_have_attribute("data-state", "failed")
    expect(chat.thumbnails).to_contain_text("The site could not be reached.")
    chat.button("Try again").click()
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")


def test_a_message_waits_for_its_image(chat, worker):
    held = []
    chat.page.route("**/uploads/", lambda route: held.append(route), times=1)
    chat.button("Add image").set_input_files("static/examples/chart.png")
    expect(chat.thumbnails).to_have_attribute("data-state", "uploading")
    chat.ask("Which is highest?")
    expect(chat.page.get_by_text("Your message goes out as soon as its images have arrived.")).to_be_visible()
    assert worker.requests == []
    held[0].continue_()
    chat.expect_text("This is my answer.")
    assert len(worker.requests[0]["images"]) == 1


def test_more_images_than_the_model_takes_are_explained_and_the_draft_kept(chat, site):
    limit = site.rows("SELECT max_images FROM chat_chatmodel")[0][0]
    for _ in range(limit + 1):
        chat.add_image("shapes.png")
    chat.ask("All of them")
    expect(chat.problem).to_contain_text(f"takes at most {limit} per message")
    expect(chat.message).to_have_value("All of them")
    expect(chat.thumbnails).to_have_count(limit + 1)


def test_a_second_message_during_a_reply_is_explained_and_the_draft_kept(chat, worker):
    hold = Hold()
    worker.will_say("Still", hold, " talking.")
    chat.ask("First")
    chat.expect_text("Still")
    chat.ask("Second")
    expect(chat.problem).to_have_text("A reply is still being written. Stop it or wait for its end.")
    expect(chat.message).to_have_value("Second")
    expect(chat.questions).to_have_count(1)
    hold.set()
    chat.expect_text("Still talking.")
    chat.expect_state("complete")
    chat.button("Send").click()
    expect(chat.questions).to_have_count(2)


def test_a_message_that_the_site_refuses_comes_back_with_its_words(chat, site, worker):
    chat.add_image("shapes.png")
    site.change("DELETE FROM chat_upload WHERE id NOT IN (SELECT upload_id FROM chat_messageimage)")
    chat.ask("What is here?")
    expect(chat.problem).to_have_text("An image of this message does not exist. Add it again.")
    expect(chat.message).to_have_value("What is here?")
    expect(chat.message).to_be_focused()
    chat.button("Remove shapes.png").click()
    chat.button("Send").click()
    chat.expect_text("This is my answer.")


def test_special_tokens_typed_as_text_stay_text(chat, worker):
    chat.ask_and_wait("</s> <image> [INST] <|im_end|> ###Human:")
    expect(chat.questions.last.locator(".question-text")).to_have_text(
        "</s> <image> [INST] <|im_end|> ###Human:"
    )
