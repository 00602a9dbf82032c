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


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_the_first_visit_takes_less_than_150_kilobytes_of_script_and_style(chat, encoding):
    chat.wait_for_connection()
    names = chat.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    total = 0
    for name in names:
        if name.endswith((".js", ".css")):
            answer = requests.get(name, headers={"Accept-Encoding": encoding}, stream=True, timeout=10)
            total += len(answer.raw.read(decode_content=False))
    assert 50_000 < total <= 150_000
