"""Pages, errors and sockets speak the language that a visitor asked for."""

import pytest
from django.utils import translation
from django.utils.translation import gettext

from chat.database import DatabaseThread
from chat.translations import language_of_scope

pytestmark = pytest.mark.django_db

CHINESE, ENGLISH = "想了解些什么？", "What would you like to know?"
FROM_CHINA = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}


def scope(query="", wish="", **cookies):
    return {
        "query_string": query.encode(),
        "cookies": cookies,
        "headers": [(b"accept-language", wish.encode())],
    }


@pytest.mark.parametrize("wish", ["zh-CN", "zh", "zh-Hans-CN,en;q=0.5", "fr,zh-TW;q=0.8,en;q=0.3"])
def test_the_first_look_is_in_the_language_that_the_browser_wishes(client, wish):
    response = client.get("/", headers={"Accept-Language": wish})
    assert response["Content-Language"] == "zh-hans"
    assert '<html lang="zh-hans"' in response.content.decode()
    assert CHINESE in response.content.decode()


@pytest.mark.parametrize("wish", ["", "en-GB", "fr", "en,zh;q=0.9", "*", "x" * 600])
def test_any_other_wish_gets_english(client, wish):
    assert ENGLISH in client.get("/", headers={"Accept-Language": wish}).content.decode()


def test_the_switch_holds_against_the_browsers_wish_and_leads_back_to_the_page(client):
    answer = client.post(
        "/language/", {"language": "en"}, headers={"Referer": "http://testserver/c/one/?model=a&lang=zh-hans"}
    )
    assert answer.status_code == 302
    assert answer["Location"] == "/c/one/?model=a"
    cookie = answer.cookies["django_language"]
    assert (cookie.value, cookie["samesite"], cookie["httponly"]) == ("en", "Lax", True)
    assert ENGLISH in client.get("/", headers=FROM_CHINA).content.decode()


@pytest.mark.parametrize(
    "page", ["https://elsewhere.example/", "javascript:alert(1)", "//elsewhere.example", ""]
)
def test_the_switch_leads_to_no_other_site(client, page):
    assert client.post("/language/", {"language": "en"}, headers={"Referer": page})["Location"] == "/"


def test_a_language_that_there_is_not_changes_nothing(client):
    answer = client.post("/language/", {"language": "tlh"})
    assert answer.status_code == 302
    assert "django_language" not in answer.cookies
    assert client.get("/language/").status_code == 405


def test_an_address_may_name_the_language_of_its_page_and_leaves_no_cookie(client):
    client.cookies["django_language"] = "en"
    response = client.get("/?lang=zh-CN")
    assert CHINESE in response.content.decode()
    assert "django_language" not in response.cookies
    assert ENGLISH in client.get("/").content.decode()
    assert ENGLISH in client.get("/?lang=tlh").content.decode()


def test_errors_of_pages_and_calls_are_in_the_language_too(client):
    assert "这里什么都没有" in client.get("/nothing/", headers=FROM_CHINA).content.decode()
    error = client.get("/history/?before=yesterday", headers=FROM_CHINA).json()["error"]
    assert error["text"] == "“before”必须是以秒为单位的 Unix 时间。"


def test_a_page_names_its_language_to_its_socket(client):
    assert '"/ws/chat/?lang=zh-hans"' in client.get("/", headers=FROM_CHINA).content.decode()


def test_a_socket_follows_the_rule_of_the_pages():
    assert language_of_scope(scope()) == "en"
    assert language_of_scope(scope(wish="zh-CN,en;q=0.5")) == "zh-hans"
    assert language_of_scope(scope(wish="zh;q=0.2,en;q=0.5")) == "en"
    assert language_of_scope(scope(wish="zh-CN", django_language="en")) == "en"
    assert language_of_scope(scope("lang=zh-hans", django_language="en")) == "zh-hans"
    assert language_of_scope(scope("lang=%00&lang=en", wish="zh")) == "zh-hans"
    assert language_of_scope({"headers": []}) == "en"


async def test_work_in_a_thread_speaks_the_language_of_who_waits_for_it():
    thread = DatabaseThread("test")
    said = []
    for language in ("zh-hans", "en"):
        with translation.override(language):
            said.append(await thread.run(gettext, "Reply complete."))
    await thread.close()
    assert said == ["回答完成。", "Reply complete."]
