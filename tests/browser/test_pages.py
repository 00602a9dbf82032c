"""The pages around the conversation: errors, the embedded page, and what the first visit weighs."""

import pytest
import requests
from playwright.sync_api import expect


def test_an_unknown_address_has_a_page_of_its_own(open_page):
    page = open_page()
    page.allow("404 (Not Found)")
    page.visit("/nothing/here/")
    expect(page.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.expect_accessible()
    page.picture("error")
    page.page.get_by_role("link", name="To the start page").click()
    expect(page.message).to_be_visible()


def test_the_embedded_page_shows_neither_title_nor_terms(open_page, worker):
    page = open_page("/embed/")
    expect(page.message).to_be_visible()
    expect(page.page.locator(".terms")).to_have_count(0)
    expect(page.page.locator(".brand")).to_have_count(0)
    page.expect_accessible()
    page.ask_and_wait()


def weight(chat, encoding):
    """Give how many bytes of script and style the page has loaded."""
    names = chat.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    total = 0
    for name in set(names):
        if name.endswith((".js", ".css")):
            answer = requests.get(name, headers={"Accept-Encoding": encoding}, stream=True, timeout=10)
            total += len(answer.raw.read(decode_content=False))
    return total


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_the_first_visit_takes_less_than_68_kilobytes_of_script_and_style(chat, encoding):
    chat.wait_for_connection()
    chat.page.wait_for_load_state("networkidle")
    assert 30_000 < weight(chat, encoding) <= 68_000


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_conversation_takes_less_than_150_kilobytes_of_script_and_style(chat, worker, encoding):
    chat.ask_and_wait()
    chat.expect_own_address()
    chat.reload()
    chat.expect_state("complete")
    chat.page.wait_for_load_state("networkidle")
    assert 100_000 < weight(chat, encoding) <= 150_000


def told_and_loaded(chat):
    """Give which modules the page's head names, and which are loaded."""
    loaded = "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))"
    told = "[...document.querySelectorAll('link[rel=modulepreload], script[src]')].map(({ href, src }) => href || src)"
    return sorted(chat.page.evaluate(told)), sorted(set(chat.page.evaluate(loaded)))


def test_browsers_are_told_of_every_module_that_the_page_loads(chat):
    """Else they would learn of each from the one that imports it, one wait after the other."""
    chat.wait_for_connection()
    told, loaded = told_and_loaded(chat)
    assert told == loaded


def test_browsers_are_told_of_every_module_that_a_conversation_loads(chat, worker):
    chat.ask_and_wait()
    chat.expect_own_address()
    chat.reload()
    chat.expect_state("complete")
    told, loaded = told_and_loaded(chat)
    assert told == loaded
    assert any("/components/reading." in name for name in told)
