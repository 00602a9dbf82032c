"""Visitors search in their own conversations and name them; what they get is bounded."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from chat import history
from chat.models import Conversation, Message
from chat.visitors import COOKIE, cookie_for
from tests.chat.factories import make_conversation, make_model, make_turn, make_visitor, set_limit

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor():
    return make_visitor()


@pytest.fixture
def browser(client, visitor):
    client.cookies[COOKIE] = cookie_for(visitor.pk)
    return client


def conversation(visitor, title="Untold", *turns):
    made = make_conversation(
        visitor, Conversation.objects.first() and Conversation.objects.first().model, title=title
    )
    parent = None
    for question, answer in turns:
        _, parent = make_turn(made, question, answer, parent=parent)
    return made


def found(browser, words, **more):
    return browser.get("/history/", {"q": words, **more}).json()


def titles(answer):
    return [row["title"] for row in answer["conversations"]]


def test_titles_questions_and_replies_are_searched(browser, visitor):
    conversation(visitor, "Bicycles in Ghent")
    conversation(visitor, "A question", ("Is that in GHENT?", "Maybe."))
    conversation(visitor, "A reply", ("Where?", "Somewhere near\nGhent, I think."))
    conversation(visitor, "Neither", ("Paris?", "No."))
    answer = found(browser, "ghent")
    assert titles(answer) == ["A reply", "A question", "Bicycles in Ghent"]
    places = [row["message"] for row in answer["conversations"]]
    assert [Message.objects.get(pk=place).text[:5] if place else None for place in places] == [
        "Somew",
        "Is th",
        None,
    ]
    excerpts = [row["excerpt"] for row in answer["conversations"]]
    assert excerpts == ["Somewhere near Ghent, I think.", "Is that in GHENT?", ""]
    conversation(visitor, "Titled Ghent", ("Ghent?", "Yes, Ghent."))
    assert found(browser, "ghent")["conversations"][0]["excerpt"] == ""


def test_chinese_is_found_and_signs_of_patterns_are_only_signs(browser, visitor):
    conversation(visitor, "中文", ("图片里有什么？", "有一只猫。"))
    conversation(visitor, "Percent", ("100 % sure?", "under_score"))
    assert titles(found(browser, "猫")) == ["中文"]
    assert titles(found(browser, "%")) == ["Percent"]
    assert titles(found(browser, "r_s")) == ["Percent"]
    assert titles(found(browser, "x_s")) == []


def test_other_branches_are_searched_too(browser, visitor):
    made = conversation(visitor, "Branches", ("first wording", "one"))
    make_turn(made, "second wording", "two")
    assert titles(found(browser, "first wording")) == titles(found(browser, "second")) == ["Branches"]


def test_what_is_deleted_or_somebody_elses_is_not_found(browser, visitor):
    conversation(make_visitor(), "Theirs", ("secret", "secret"))
    gone = conversation(visitor, "Deleted", ("secret", "secret"))
    Conversation.objects.filter(pk=gone.pk).update(deleted=timezone.now())
    assert found(browser, "secret") == {"conversations": [], "more": False, "before": None}


def test_a_search_looks_through_a_bounded_number_and_goes_on_from_there(browser, visitor, monkeypatch):
    monkeypatch.setattr(history, "SEARCHED", 3)
    now, model = timezone.now(), make_model()
    for number in range(8):
        made = make_conversation(visitor, model, title=f"chat {number}")
        Conversation.objects.filter(pk=made.pk).update(updated=now - timedelta(days=number))
    seen, before = [], {}
    for expected in ([], ["chat 4"], []):
        answer = found(browser, "chat 4", **before)
        assert titles(answer) == expected
        seen.append(answer["more"])
        before = {"before": answer["before"]}
    assert seen == [True, True, False]


def test_more_matches_than_a_page_are_given_page_by_page(browser, visitor, monkeypatch):
    monkeypatch.setattr(history, "PAGE", 2)
    model = make_model()
    for number in range(5):
        make_conversation(visitor, model, title=f"same {number}")
    first = found(browser, "same")
    second = found(browser, "same", before=first["before"])
    third = found(browser, "same", before=second["before"])
    assert [titles(each) for each in (first, second, third)] == [
        ["same 4", "same 3"], ["same 2", "same 1"], ["same 0"]
    ]  # fmt: skip
    assert [each["more"] for each in (first, second, third)] == [True, True, False]


def test_searches_are_counted_and_the_list_is_not(browser, visitor):
    set_limit("searches", 2)
    assert [browser.get("/history/", {"q": "x"}).status_code for _ in range(3)] == [200, 200, 429]
    assert browser.get("/history/").status_code == 200


def test_odd_searches_break_nothing(browser, visitor):
    conversation(visitor, "One", ("\\ 'quoted' \"twice\"", "[[("))
    for words in ("\0", "   ", "\\", "'", '"', "[[(", "x" * 10_000, "🦜"):
        assert browser.get("/history/", {"q": words}).status_code == 200
    assert titles(found(browser, "[[(")) == titles(found(browser, "'quoted'")) == ["One"]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("short", "short", "short"),
        ("a " * 100 + "needle " + "b " * 100, "NEEDLE", None),
        ("x" * 500 + "needle", "needle", None),
        ("other case rules", "ǅ", "other case rules"),
    ],
)
def test_an_excerpt_shows_the_place(text, words, expected):
    shown = history.excerpt(text, words)
    assert len(shown) <= history.EXCERPT + 2
    assert shown == expected if expected else words.lower() in shown


def rename(browser, made, title):
    return browser.post(f"/c/{made.pk}/title/", {"title": title}, content_type="application/json")


def test_a_conversation_is_renamed(browser, visitor):
    made = conversation(visitor, "Before")
    updated = made.updated
    answer = rename(browser, made, "  After\nthat ")
    assert answer.json() == {"title": "After that"}
    made.refresh_from_db()
    assert (made.title, made.updated) == ("After that", updated)


@pytest.mark.parametrize(
    ("title", "code", "limit"),
    [
        (" \n", "title_empty", 1),
        ("\u200b\u2066\u202e", "title_empty", 1),
        ("x" * 121, "title_too_long", 120),
        ("a\0b", "text_unreadable", None),
    ],
)
def test_a_title_that_is_none_is_refused_by_name(browser, visitor, title, code, limit):
    made = conversation(visitor, "Before")
    answer = rename(browser, made, title)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"], error["limit"]) == (400, code, "title", limit)
    made.refresh_from_db()
    assert made.title == "Before"


def test_somebody_elses_conversation_keeps_its_title(browser):
    theirs = conversation(make_visitor(), "Theirs")
    answer = rename(browser, theirs, "Mine")
    nobodys = browser.post(f"/c/{uuid.uuid4()}/title/", {"title": "x"}, content_type="application/json")
    assert answer.status_code == nobodys.status_code == 404
    assert answer.content == nobodys.content
    theirs.refresh_from_db()
    assert theirs.title == "Theirs"
