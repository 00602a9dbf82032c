"""The visitor's pages: what they hold, whose they are, and their headers."""

import json
import re
import time
import uuid
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import registry
from chat.models import Backend, ChatModel, Conversation, Placement, SiteText, Terms, Visitor
from chat.visitors import COOKIE, cookie_for
from tests.chat.factories import make_conversation, make_model, make_turn

pytestmark = pytest.mark.django_db


def bootstrap(response):
    block = re.search(
        r'<script id="bootstrap" type="application/json">(.*?)</script>', response.content.decode(), re.S
    )
    return json.loads(unescape(block.group(1)))


@pytest.fixture
def visit(client):
    """Be the visitor with this key."""

    def be(key):
        client.cookies[COOKIE] = cookie_for(key)
        return client

    return be


def test_models_come_in_the_administrators_order_and_then_by_name(client):
    for name, position in (("zebra", 0), ("Apple", 0), ("first", -1)):
        make_model(name, position=position)
    listed = bootstrap(client.get("/"))["models"]
    assert [model["name"] for model in listed["list"]] == ["first", "Apple", "zebra"]
    assert listed["selected"] == "first"
    assert listed["available"] is True


def test_the_address_can_preselect_a_model(client):
    make_model("one")
    make_model("two")
    assert bootstrap(client.get("/?model=two"))["models"]["selected"] == "two"
    assert bootstrap(client.get("/?model=three"))["models"]["selected"] == "one"


def test_a_model_that_has_gone_is_greyed_where_a_conversation_with_it_is_open(visit):
    gone, here = make_model("gone", listed=False), make_model("here")
    conversation = make_conversation(model=gone)
    make_turn(conversation)
    models = bootstrap(visit(conversation.visitor_id).get(f"/c/{conversation.pk}/"))["models"]
    assert {model["name"]: model["listed"] for model in models["list"]} == {"gone": False, here.name: True}


def test_a_disabled_model_is_not_offered(client):
    make_model("one")
    make_model("hidden", enabled=False)
    assert [model["name"] for model in bootstrap(client.get("/"))["models"]["list"]] == ["one"]


def test_without_models_the_page_says_so_and_only_staff_read_why(client, admin_client, monkeypatch):
    monkeypatch.setattr(registry, "_last_read", time.monotonic())
    make_model("one")
    Backend.objects.update(last_error="controller_unreachable: no route to 10.0.0.9")
    for who, told in ((client, False), (admin_client, True)):
        models = bootstrap(who.get("/"))["models"]
        assert models["available"] is False
        assert models["reason"]
        assert ("10.0.0.9" in models["reason"]) is told


def test_somebody_elses_conversation_is_the_404_of_one_that_does_not_exist(visit):
    conversation = make_conversation()
    mine = visit(conversation.visitor_id).get(f"/c/{conversation.pk}/")
    theirs = visit(uuid.uuid4()).get(f"/c/{conversation.pk}/")
    nobodys = visit(uuid.uuid4()).get(f"/c/{uuid.uuid4()}/")
    assert (mine.status_code, theirs.status_code, nobodys.status_code) == (200, 404, 404)
    assert theirs.content == nobodys.content
    assert theirs.headers == nobodys.headers


def test_a_forged_cookie_is_nobody(client):
    conversation = make_conversation()
    client.cookies[COOKIE] = f"{conversation.visitor_id}:forged"
    assert client.get(f"/c/{conversation.pk}/").status_code == 404


def test_a_deleted_conversation_is_gone_from_page_and_history(visit):
    conversation = make_conversation(title="old")
    Conversation.objects.update(deleted=timezone.now())
    who = visit(conversation.visitor_id)
    assert who.get(f"/c/{conversation.pk}/").status_code == 404
    assert who.get("/history/").json() == {"conversations": [], "more": False, "before": None}


def test_history_is_the_visitors_own_newest_first_in_pages(visit):
    conversation = make_conversation(title="first")
    make_conversation(title="another's")
    for number in range(60):
        make_conversation(conversation.visitor, conversation.model, title=f"chat {number}")
    who = visit(conversation.visitor_id)
    page = who.get("/history/").json()
    assert [row["title"] for row in page["conversations"]][:2] == ["chat 59", "chat 58"]
    assert (len(page["conversations"]), page["more"]) == (50, True)
    rest = who.get("/history/", {"before": page["before"]}).json()
    assert [row["title"] for row in rest["conversations"]][-1] == "first"
    assert (len(rest["conversations"]), rest["more"]) == (11, False)


@pytest.mark.parametrize("before", ["yesterday", "nan", "inf", "-1e300", "9" * 400])
def test_a_history_time_that_is_none_is_refused_by_name(client, before):
    answer = client.get("/history/", {"before": before})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "before"


def test_the_embedded_page_and_the_embed_option_hide_title_and_terms(client, settings):
    SiteText.objects.update(title="A title to see")
    Terms.objects.create(version="2", text="Terms to see")
    assert b"Terms to see" in client.get("/").content
    embedded = client.get("/embed/")
    settings.MMCHAT_EMBED = True
    for answer in (embedded, client.get("/")):
        assert answer.status_code == 200
        assert b"Terms to see" not in answer.content
        assert b"A title to see" not in answer.content.replace(b"<title>A title to see</title>", b"")


def test_pages_forbid_inline_scripts_frames_and_unsafe_sinks(client):
    headers = client.get("/").headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "dompurify"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_answers_to_scripts_carry_no_policies_of_pages_but_are_never_taken_for_one(client):
    headers = client.get("/models/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == "application/json"
    assert "Content-Security-Policy" not in headers
    assert "Permissions-Policy" not in headers
    assert "Permissions-Policy" in client.get("/").headers


def test_the_visitors_cookie_is_out_of_reach_of_scripts_and_other_sites(client):
    cookie = client.get("/").cookies[COOKIE]
    assert cookie["httponly"] is True
    assert cookie["samesite"] == "Lax"


def test_a_page_makes_no_visitor_until_something_is_sent(client):
    client.get("/")
    assert not Visitor.objects.exists()


def test_a_hundred_models_cost_no_more_queries_than_one(client):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/")
        return len(captured)

    make_model("one")
    client.get("/")
    before = queries()
    backend = Backend.objects.get(name="elsewhere")
    models = ChatModel.objects.bulk_create(ChatModel(name=f"model {number}") for number in range(100))
    Placement.objects.bulk_create(Placement(model=model, backend=backend, listed=True) for model in models)
    assert queries() == before
