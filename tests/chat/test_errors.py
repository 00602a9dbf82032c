"""What fails has a page of its own in the reader's language, and stays JSON for scripts."""

import json
import re

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse

from chat.refusals import Refused
from chat.views import errors, pages
from chat.views.errors import ERRORS, answer
from tests.chat.factories import set_limit

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
HEADINGS = {
    400: ("This request could not be read", "无法读取这个请求"),
    403: ("This is not allowed", "不允许这样做"),
    404: ("There is nothing here", "这里什么都没有"),
    413: ("This is too large", "内容过大"),
    429: ("That was too much at once", "操作过于频繁"),
    500: ("Something went wrong on our side", "我们这边出了点问题"),
    503: ("The site can’t get at its data just now", "站点暂时无法访问数据"),
}


@pytest.fixture
def browser(db):
    browser = Client(headers={"Accept": HTML}, raise_request_exception=False)
    browser.enforce_csrf_checks = False
    return browser


def fail(error):
    def view(*_arguments, **_named):
        raise error

    return view


def come_about(status, browser, monkeypatch):
    """Let a browser meet an error as it really happens."""
    match status:
        case 400:
            return browser.get("/", headers={"Host": "evil.example"})
        case 403:
            strict = Client(enforce_csrf_checks=True, headers={"Accept": HTML, **browser.headers_of})
            return strict.post("/receipt/", {"code": "x"})
        case 404:
            return browser.get("/nothing/here/")
        case 413:
            return browser.post("/receipt/", {"code": "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)})
        case 500:
            monkeypatch.setattr(pages.registry, "refresh_for_page", fail(RuntimeError("a bug")))
        case 503:
            monkeypatch.setattr(pages.registry, "refresh_for_page", fail(OperationalError("gone")))
    return browser.get("/")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("status", [400, 403, 404, 413, 500, 503])
def test_what_fails_has_a_page_in_the_readers_language(browser, monkeypatch, status, language):
    browser.headers_of = {"Accept-Language": language}
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    response = come_about(status, browser, monkeypatch)
    assert response.status_code == status
    check_page(response, status, language)


def check_page(response, status, language):
    page = response.content.decode()
    heading = HEADINGS[status][language != "en"]
    assert f"<h1>{heading}</h1>" in page
    assert f"<title>{heading}</title>" in page
    assert f'<html lang="{language}">' in page
    assert f">{status}<" in page
    assert "<script" not in page
    assert " style=" not in page
    assert not re.findall(r'(?:src|href)="(?:[a-z]+:)?//', page)
    assert "default-src 'self'" in response["Content-Security-Policy"]
    assert "Traceback" not in page


def test_who_may_not_see_a_page_is_not_told_that_it_was_open_for_too_long(client, admin_client):
    User.objects.create_user("reader", password="a right long password", is_staff=True)
    client.login(username="reader", password="a right long password")
    denied = client.get(reverse("admin:chat_limitrule_changelist"), headers={"Accept": HTML})
    assert denied.status_code == 403
    assert "You may not see or do this here." in denied.content.decode()
    strict = Client(enforce_csrf_checks=True, headers={"Accept": HTML})
    forged = strict.post("/receipt/", {"code": "x"})
    assert forged.status_code == 403
    assert "may have been open for too long" in forged.content.decode()


@pytest.mark.parametrize("status", ERRORS)
def test_what_passes_can_be_tried_again_and_what_stays_or_was_sent_can_not(status):
    get, post = (getattr(RequestFactory(), method) for method in ("get", "post"))
    again = '<a href="/history/?before=x">Try again</a>'
    page = answer(get("/history/?before=x", headers={"Accept": HTML}), status).content.decode()
    assert (again in page) == (status in (429, 500, 503))
    sent = answer(post("/history/?before=x", headers={"Accept": HTML}), status).content.decode()
    assert again not in sent
    assert '<a href="/">To the start page</a>' in page
    assert '<a href="/">To the start page</a>' in sent


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_too_much_has_a_page_that_tells_the_wait(language):
    request = RequestFactory().get("/images/x/pad/", headers={"Accept": HTML, "Accept-Language": language})
    response = errors.before_django(request, 429, Refused("too_many_requests", "Wait 7 seconds.", seconds=7))
    assert (response.status_code, response["Retry-After"]) == (429, "7")
    assert "Wait 7 seconds." in response.content.decode()
    check_page(response, 429, language)


@pytest.mark.parametrize("status", ERRORS)
def test_scripts_get_json(status):
    request = RequestFactory().get("/", headers={"Accept": "application/json"})
    response = answer(request, status)
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    error = json.loads(response.content)["error"]
    assert error == {
        "code": ERRORS[status].code,
        "text": str(ERRORS[status].advice),
        "field": None,
        "limit": None,
    }


def test_what_a_browser_sends_to_the_page_and_what_a_script_sends_are_told_apart():
    post = RequestFactory().post
    assert answer(post("/"), 403)["Content-Type"] == "application/json"
    assert answer(post("/", headers={"Accept": HTML}), 403)["Content-Type"].startswith("text/html")


def test_an_error_in_a_frame_shows_there_and_leads_back_to_it(browser, monkeypatch, settings):
    settings.MMCHAT_EMBED_ORIGINS = ["https://www.example.org"]
    monkeypatch.setattr(pages.registry, "refresh_for_page", fail(OperationalError("gone")))
    response = browser.get("/embed/?theme=dark&model=a")
    assert response.status_code == 503
    assert "frame-ancestors https://www.example.org" in response["Content-Security-Policy"]
    assert "X-Frame-Options" not in response
    assert 'href="/embed/?theme=dark&amp;model=a"' in response.content.decode()
    elsewhere = browser.get("/")
    assert elsewhere["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in elsewhere["Content-Security-Policy"]


def test_an_error_page_reads_nothing_from_the_database(browser, django_assert_num_queries):
    request = RequestFactory().get("/", headers={"Accept": HTML})
    with django_assert_num_queries(0):
        for status in ERRORS:
            answer(request, status)


def test_a_browser_that_asks_for_too_much_gets_the_page(browser):
    set_limit("receipts", 1, by="address")
    browser.post("/receipt/", {"code": "x"})
    response = browser.post("/receipt/", {"code": "x"})
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert '<form method="post"' in response.content.decode()  # with the form, so that nothing is lost
