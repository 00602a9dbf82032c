"""What visitors say that their images show: stored with the upload, checked, and limited."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from chat.images.store import image_info
from chat.visitors import COOKIE, cookie_for
from tests.chat.moderation.conftest import make_check
from tests.feedback.stories import make_upload, make_visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def upload():
    return make_upload(make_visitor())


def tab(visitor):
    client = Client()
    client.cookies[COOKIE] = cookie_for(visitor.key)
    return client


def describe(client, upload, text):
    address = reverse("chat:describe_image", args=[upload if isinstance(upload, uuid.UUID) else upload.pk])
    return client.post(address, {"description": text}, content_type="application/json")


def test_an_image_has_no_description_until_its_visitor_writes_one(upload):
    assert image_info(upload).description == ""
    answer = describe(tab(upload.visitor), upload, " A heron,\n on\tone \u202eleg. ")
    assert answer.json() == {"description": "A heron, on one leg."}
    upload.refresh_from_db()
    assert image_info(upload).description == "A heron, on one leg."
    assert describe(tab(upload.visitor), upload, "").json() == {"description": ""}


def test_one_that_is_too_long_is_refused_by_name_and_changes_nothing(upload):
    describe(tab(upload.visitor), upload, "b" * 300)
    answer = describe(tab(upload.visitor), upload, "a" * 301)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["field"], error["limit"]) == ("description_too_long", "description", 300)
    assert "301" in error["text"]
    upload.refresh_from_db()
    assert upload.description == "b" * 300


def test_somebody_elses_image_is_as_unknown_as_none(upload):
    stranger = tab(make_visitor())
    answers = [describe(stranger, each, "Mine?") for each in (upload, uuid.uuid4())]
    assert [(each.status_code, each.json()["error"]["code"]) for each in answers] == [(404, "not_found")] * 2
    assert describe(Client(), upload, "Mine?").status_code == 403
    upload.refresh_from_db()
    assert upload.description == ""


@pytest.mark.parametrize("outcome", ["refused", "held"])
def test_what_the_content_check_refuses_is_not_stored(upload, outcome):
    make_check(words="bad", outcome=outcome)
    answer = describe(tab(upload.visitor), upload, "a bad word")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "moderation_flagged")
    assert describe(tab(upload.visitor), upload, "a good word").json() == {"description": "a good word"}
    upload.refresh_from_db()
    assert upload.description == "a good word"
