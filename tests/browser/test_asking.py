"""A visitor asks, watches the reply come, stops it, asks again."""

from playwright.sync_api import expect

from tests.browser.scripted_worker import MODEL, Failure, Hold


def test_a_visitor_asks_about_an_image_and_watches_the_reply_come(chat, worker):
    hold = Hold()
    worker.will_say("The total ", hold, "is **20.40**.")
    expect(chat.model).to_have_value(MODEL)
    chat.add_image("receipt.png")
    chat.ask("What does this add up to?")

    chat.expect_text("The total")
    expect(chat.reply).to_have_attribute("aria-busy", "true")
    expect(chat.button("Stop")).to_be_visible()
    chat.expect_own_address()
    hold.set()

    chat.expect_text("The total is 20.40.")
    expect(chat.reply_text.locator("strong")).to_have_text("20.40")
    chat.expect_state("complete")
    expect(chat.button("Stop")).to_be_hidden()
    expect(chat.page.locator("#announcer")).to_have_text("Reply complete.")
    expect(chat.questions.last.get_by_role("img")).to_have_attribute("alt", "receipt.png")
    expect(chat.message).to_have_value("")
    expect(chat.thumbnails).to_have_count(0)
    assert len(worker.requests[0]["images"]) == 1


def test_two_images_go_with_one_message_and_a_removed_one_does_not(chat, worker):
    chat.add_image("receipt.png", "chart.png", "shapes.png")
    chat.button("Remove chart.png").click()
    chat.ask_and_wait("Compare these.")
    expect(chat.questions.last.get_by_role("img")).to_have_count(2)
    assert len(worker.requests[0]["images"]) == 2


def test_stop_keeps_what_has_come(chat, worker):
    worker.will_say("Once upon a time", Hold(), " there was more")
    chat.ask("Tell me a story.")
    chat.expect_text("Once upon a time")
    chat.button("Stop").click()
    chat.expect_state("stopped")
    chat.expect_text("Once upon a time")
    expect(chat.reply.get_by_text("This reply was stopped.")).to_be_visible()


def test_regenerate_keeps_both_replies_and_arrows_switch_between_them(chat, worker):
    worker.will_say("First try.")
    worker.will_say("Second try.")
    chat.ask_and_wait()
    chat.button("Regenerate").click()
    chat.expect_text("Second try.")
    chat.expect_state("complete")
    expect(chat.replies).to_have_count(1)
    expect(chat.reply.get_by_text("2 / 2")).to_be_visible()

    chat.button("Previous reply").click()
    chat.expect_text("First try.")
    expect(chat.reply.get_by_text("1 / 2")).to_be_visible()
    chat.button("Next reply").click()
    chat.expect_text("Second try.")


def test_the_next_question_follows_the_variant_that_is_shown(chat, worker):
    worker.will_say("First try.")
    worker.will_say("Second try.")
    chat.ask_and_wait()
    chat.button("Regenerate").click()
    chat.expect_text("Second try.")
    chat.expect_state("complete")
    chat.button("Previous reply").click()
    chat.ask_and_wait("And then?")
    assert "First try." in worker.requests[-1]["prompt"]
    assert "Second try." not in worker.requests[-1]["prompt"]
    expect(chat.replies.first.locator(".text")).to_have_text("First try.")


def test_a_worker_that_fails_leaves_its_words_and_a_way_on(chat, worker):
    worker.will_say("It begins well", Failure("CUDA error"))
    chat.ask("Go on.")
    chat.expect_state("failed")
    chat.expect_text("It begins well")
    expect(chat.reply.get_by_text("The model ran into an error while answering.")).to_be_visible()
    expect(chat.log).not_to_contain_text("CUDA")
    chat.button("Regenerate").click()
    chat.expect_text("This is my answer.")


def test_an_example_fills_in_the_question_and_its_picture(chat, worker):
    chat.button("A café receipt What does this receipt add up to?").click()
    expect(chat.message).to_have_value("What does this receipt add up to?")
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")
    chat.button("Send").click()
    chat.expect_text("This is my answer.")
    expect(chat.questions.last.get_by_role("img", name="A café receipt.png")).to_be_visible()
    assert len(worker.requests[0]["images"]) == 1


def test_enter_sends_and_shift_enter_breaks_the_line(chat, worker):
    chat.message.press_sequentially("One")
    chat.message.press("Shift+Enter")
    chat.message.press_sequentially("Two")
    expect(chat.message).to_have_value("One\nTwo")
    chat.message.press("Enter")
    chat.expect_text("This is my answer.")
    expect(chat.questions.last.locator("p").first).to_have_text("One\nTwo", use_inner_text=True)


def test_enter_that_ends_a_composition_of_an_input_method_sends_nothing(chat):
    chat.write("にほん")
    chat.message.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    expect(chat.questions).to_have_count(0)
    expect(chat.message).to_have_value("にほん")
    expect(chat.problem).to_have_text("")


def test_parameters_go_with_the_message_and_stay_in_this_browser(chat, worker):
    chat.page.get_by_text("Parameters", exact=True).click()
    chat.page.get_by_role("slider", name="Temperature", exact=True).fill("0.2")
    chat.page.get_by_role("slider", name="Top P", exact=True).fill("0.5")
    chat.page.get_by_role("slider", name="Max output tokens", exact=True).fill("512")
    chat.page.get_by_role("slider", name="Max input tiles", exact=True).fill("6")
    chat.page.get_by_role("combobox", name="Image mode", exact=True).select_option("Pad")
    chat.ask_and_wait()
    sent = worker.requests[0]
    assert (sent["temperature"], sent["top_p"], sent["max_new_tokens"], sent["max_input_tiles"]) == (
        0.2,
        0.5,
        512,
        6,
    )

    chat.reload()
    expect(chat.page.locator("#temperature")).to_have_value("0.2")
    expect(chat.page.locator("#image-mode")).to_have_value("Pad")


def test_a_pasted_picture_becomes_a_thumbnail(chat):
    chat.page.evaluate(
        """async () => {
            const blob = await (await fetch(document.querySelector(".card img").src)).blob();
            const data = new DataTransfer();
            data.items.add(new File([blob], "pasted.png", { type: "image/png" }));
            document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }"""
    )
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")
    expect(chat.button("Remove pasted.png")).to_be_visible()


def test_a_picture_can_be_dropped_anywhere_on_the_page(chat):
    transfer = chat.page.evaluate_handle(
        """async () => {
            const blob = await (await fetch(document.querySelector(".card img").src)).blob();
            const data = new DataTransfer();
            data.items.add(new File([blob], "dropped.png", { type: "image/png" }));
            return data;
        }"""
    )
    chat.log.dispatch_event("dragover", {"dataTransfer": transfer})
    expect(chat.page.get_by_text("Drop images here")).to_be_visible()
    chat.log.dispatch_event("drop", {"dataTransfer": transfer})
    expect(chat.page.get_by_text("Drop images here")).to_be_hidden()
    expect(chat.thumbnails).to_have_attribute("data-state", "ready")
    expect(chat.button("Remove dropped.png")).to_be_visible()
