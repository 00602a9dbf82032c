"""An administrator adds a backend, checks it, and tries a prompt, without leaving its page."""

import re
import threading

import pytest
from playwright.sync_api import expect

from tests.browser.scripted_worker import ScriptedWorker
from tests.browser.test_admin import WCAG
from tests.openai_double import OpenAI, delta, spoken


@pytest.fixture
def double():
    double = OpenAI("z/vision")
    yield double
    double.close()


@pytest.fixture
def empty_site(start_site):
    return start_site()


@pytest.fixture
def admin(empty_site, open_page):
    site = empty_site
    name, password = re.search(r"administrator +(\S+), password (\S+)", site.log).groups()
    admin = open_page("/admin/", site=site)
    admin.page.get_by_label("Username").fill(name)
    admin.page.get_by_label("Password").fill(password)
    admin.button("Log in").click()
    expect(admin.page.get_by_role("link", name="Backends", exact=True)).to_be_visible()
    return admin


def test_models_are_put_into_order_by_keys_and_by_dragging(admin, empty_site):
    worker = ScriptedWorker("llava-a", "llava-b", "llava-c")
    worker.register(empty_site.controller)
    try:
        admin.visit("/admin/chat/chatmodel/")
        names = admin.page.locator("#result_list tbody th")
        expect(names).to_have_text(["llava-a", "llava-b", "llava-c"])
        admin.expect_accessible(WCAG)
        fits_beside_its_filters(admin)
        admin.page.get_by_role("button", name="Move llava-c").press("ArrowUp")
        expect(names).to_have_text(["llava-a", "llava-c", "llava-b"])
        expect(admin.page.get_by_role("button", name="Move llava-c")).to_be_focused()
        expect(admin.page.get_by_text("llava-c is number 2 of 3 now.")).to_be_visible()
        admin.page.get_by_role("button", name="Move llava-b").drag_to(names.nth(0))
        expect(names).to_have_text(["llava-b", "llava-a", "llava-c"])
        admin.picture("admin-models")
        admin.page.locator("input[name=_save]").click()
        expect(admin.page.get_by_text("3 models were changed successfully.")).to_be_visible()
        expect(names).to_have_text(["llava-b", "llava-a", "llava-c"])
        # Of a part of the list nobody can say which number a place has.
        admin.visit("/admin/chat/chatmodel/?q=llava-a")
        expect(names).to_have_text(["llava-a"])
        expect(admin.page.locator(".handle")).to_have_count(0)
    finally:
        worker.close()


def fits_beside_its_filters(admin):
    assert admin.page.locator(".results").evaluate("(list) => list.scrollWidth <= list.clientWidth")


def test_a_backend_is_added_checked_and_tried(admin, double):
    admin.visit("/admin/chat/backend/add/")
    admin.page.get_by_label("Name:").fill("Vision")
    admin.page.get_by_label("Address:").fill(double.root)
    admin.button("Save and continue editing").click()
    expect(admin.page.get_by_text("Found: an OpenAI-compatible server.")).to_be_visible()
    checked = admin.page.locator("#check").get_by_role("status")
    tried = admin.page.locator("#try").get_by_role("status")
    answer = admin.page.get_by_label("Answer", exact=True)

    admin.button("Check now").click()
    expect(checked).to_contain_text("lists 1 model: z/vision")
    expect(admin.button("Check now")).to_be_focused()

    # What comes is there before the answer ends, as text; Stop reaches the server.
    double.answer = [delta(content="Hello"), delta(content=" <b>there</b>"), threading.Event()]
    admin.page.get_by_label("Name:").fill("A name that is not saved yet")
    admin.button("Try a prompt").click()
    expect(answer).to_have_text("Hello <b>there</b>")
    expect(admin.button("Try a prompt")).to_be_disabled()
    admin.expect_accessible(WCAG)
    admin.picture("admin-backend")
    admin.button("Stop").click()
    expect(tried).to_have_text("Stopped.")
    assert double.client_gone.wait(5)
    expect(answer).to_have_text("Hello <b>there</b>")
    expect(admin.page.get_by_label("Name:")).to_have_value("A name that is not saved yet")

    double.answer = spoken("All", " of it.", tokens=(5, 3))
    admin.button("Try a prompt").click()
    expect(tried).to_have_text(re.compile(r"First words after \d+\.\d\d s, all after .* 3 tokens\.$"))
    expect(answer).to_have_text("All of it.")

    # Whoever leaves ends it as well.
    double.client_gone.clear()
    double.answer = [delta(content="Hello"), threading.Event()]
    admin.button("Try a prompt").click()
    expect(answer).to_have_text("Hello")
    admin.visit("/admin/")
    assert double.client_gone.wait(5)
    admin.page.go_back()

    double.key = "a-key"
    admin.button("Check now").click()
    expect(checked).to_contain_text("worker_unauthorised")
    admin.button("Try a prompt").click()
    expect(tried).to_contain_text("worker_unauthorised")
    admin.allow("status of 400")  # a prompt that is refused
    admin.page.get_by_label("Prompt").fill(" ")
    admin.button("Try a prompt").click()
    expect(tried).to_contain_text("Write a prompt.")

    admin.visit("/admin/chat/backend/")
    expect(admin.page.get_by_text("worker_unauthorised")).to_be_visible()
    fits_beside_its_filters(admin)
