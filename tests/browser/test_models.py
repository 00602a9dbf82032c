"""Which model: picked, preselected, gone, or none at all."""

import pytest
from playwright.sync_api import expect

from tests.browser.lines import Lines
from tests.browser.scripted_worker import ScriptedWorker


@pytest.fixture
def empty_site(start_site):
    return start_site()


@pytest.fixture
def serve_models(empty_site):
    """Start workers for models of the site that had none."""
    workers = []

    def serve(*names):
        worker = ScriptedWorker(*names)
        workers.append(worker)
        worker.register(empty_site.controller)
        return worker

    yield serve
    for worker in workers:
        worker.close()


def test_from_no_model_to_one_that_goes_again(empty_site, serve_models, open_page):
    page = open_page(site=empty_site)
    expect(page.page.locator("#models").get_by_role("status")).to_be_visible()
    page.expect_accessible()
    page.picture("no-models")
    page.ask("Anybody there?")
    expect(page.problem).to_have_text("There is no model to ask at the moment.")
    expect(page.message).to_have_value("Anybody there?")

    serve_models("llava-v1.5-a", "llava-v1.5-b")
    expect(page.model).to_have_value("llava-v1.5-a")
    expect(page.page.locator("#models").get_by_role("status")).to_be_hidden()

    chosen = open_page("/?model=llava-v1.5-b", site=empty_site)
    expect(chosen.model).to_have_value("llava-v1.5-b")
    chosen.ask_and_wait("Who are you?")
    chosen.expect_own_address()
    page.model.select_option("llava-v1.5-b")
    page.button("Send").click()
    page.expect_text("This is my answer.")
    expect(page.reply.locator(".reply-name")).to_have_text("llava-v1.5-b")

    empty_site.change("UPDATE chat_chatmodel SET enabled = 0 WHERE name = 'llava-v1.5-b'")
    chosen.reload()
    chosen.expect_text("This is my answer.")
    expect(chosen.model).to_have_value("llava-v1.5-b")
    expect(chosen.model.get_by_role("option", name="llava-v1.5-b (gone)")).to_be_disabled()
    chosen.ask("Still there?")
    expect(chosen.problem).to_contain_text("is not available any more. Choose another one.")
    chosen.model.select_option("llava-v1.5-a")
    chosen.button("Send").click()
    expect(chosen.questions).to_have_count(2)
    expect(chosen.reply.locator(".reply-name")).to_have_text("llava-v1.5-a")


def test_a_model_by_link_only_is_opened_by_its_link_and_by_its_conversations(
    empty_site, serve_models, open_page
):
    serve_models("llava-v1.5-a", "llava-v1.5-b")
    empty_site.wait_for_model("llava-v1.5-b")
    empty_site.change(
        "UPDATE chat_chatmodel SET shown_in = 'link', max_characters = 20 WHERE name = 'llava-v1.5-b'"
    )
    page = open_page(site=empty_site)
    expect(page.model.get_by_role("option")).to_have_text(["llava-v1.5-a"])
    page.visit("/?model=llava-v1.5-b")
    expect(page.model).to_have_value("llava-v1.5-b")
    page.ask("A message that is too long for this model.")
    expect(page.problem).to_contain_text("20")
    page.ask_and_wait("Who are you?")
    page.expect_own_address()
    conversation = page.page.url
    # A page whose list lacks the model asks for it when one goes back to the conversation.
    page.visit("/")
    expect(page.model).to_have_value("llava-v1.5-a")
    page.page.go_back()
    page.page.goto(conversation)
    expect(page.model).to_have_value("llava-v1.5-b")
    expect(page.model.get_by_role("option", name="llava-v1.5-b", exact=True)).to_be_enabled()
    page.ask_and_wait("Still you?")


def test_the_model_of_a_conversation_is_selected_with_it(chat, site):
    chat.ask_and_wait()
    chat.expect_own_address()
    chat.reload()
    expect(chat.model).to_have_value(site.rows("SELECT name FROM chat_chatmodel")[0][0])


def test_the_sliders_end_where_the_model_ends(chat, site, worker):
    site.change("UPDATE chat_chatmodel SET max_output_tokens = 256, max_input_tiles = 4")
    chat.reload()
    chat.page.get_by_text("Parameters", exact=True).click()
    expect(chat.page.get_by_role("slider", name="Max output tokens")).to_have_value("256")
    expect(chat.page.get_by_role("slider", name="Max input tiles")).to_have_attribute("max", "4")
    chat.ask_and_wait()
    assert worker.requests[0]["max_new_tokens"] == 256
    site.change("UPDATE chat_chatmodel SET max_output_tokens = NULL, max_input_tiles = NULL")
    chat.reload()
    expect(chat.page.locator("#max-output-tokens")).to_have_value("1024")


def test_the_model_picked_last_is_selected_again(empty_site, serve_models, open_page):
    serve_models("llava-v1.5-first", "llava-v1.5-second")
    empty_site.wait_for_model()
    page = open_page(site=empty_site)
    expect(page.model).to_have_value("llava-v1.5-first")
    page.model.select_option("llava-v1.5-second")
    page.reload()
    expect(page.model).to_have_value("llava-v1.5-second")
    page.visit("/?model=llava-v1.5-first")
    expect(page.model).to_have_value("llava-v1.5-first")


def test_a_model_picked_in_a_new_conversation_stays_after_a_lost_connection(
    empty_site, serve_models, open_page
):
    serve_models("llava-v1.5-a", "llava-v1.5-b")
    empty_site.wait_for_model("llava-v1.5-b")
    page = open_page(site=empty_site)
    lines = Lines(page)
    page.reload()
    page.ask_and_wait("Who are you?")
    page.model.select_option("llava-v1.5-b")
    lines.keep_back()
    lines.cut()
    lines.wait_for('"type":"conversation"')
    lines.let_go()
    page.ask_and_wait("And you?")
    expect(page.reply.locator(".reply-name")).to_have_text("llava-v1.5-b")
