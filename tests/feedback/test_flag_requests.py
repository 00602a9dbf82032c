"""POST /feedback/<reply>/flag/."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from chat.visitors import COOKIE, cookie_for
from feedback.models import Flag
from tests.feedback.conftest import tab_of
from tests.feedback.stories import make_visitor


def flag(client, reply_id, data):
    return client.post(reverse("feedback:flag", args=[reply_id]), data, content_type="application/json")


def test_a_flag_is_stored_open_and_confirmed(tab, reply, visitor):
    response = flag(tab, reply.pk, {"reason": "privacy", "comment": "My address!"})
    assert (response.status_code, response.json()["flagged"]) == (200, True)
    stored = Flag.objects.get()
    assert (stored.visitor, stored.message, stored.reason) == (visitor, reply, "privacy")
    assert (stored.comment, stored.state) == ("My address!", Flag.State.OPEN)


def test_flagging_again_changes_reason_and_comment_while_it_is_open(tab, reply):
    flag(tab, reply.pk, {"reason": "other"})
    flag(tab, reply.pk, {"reason": "harmful", "comment": "Look"})
    stored = Flag.objects.get()
    assert (stored.reason, stored.comment) == ("harmful", "Look")


@pytest.mark.parametrize("state", [Flag.State.UPHELD, Flag.State.DISMISSED])
def test_flagging_again_after_a_decision_changes_nothing(tab, reply, state):
    flag(tab, reply.pk, {"reason": "other", "comment": "first"})
    Flag.objects.update(state=state)
    assert flag(tab, reply.pk, {"reason": "harmful", "comment": "again"}).json()["flagged"] is True
    stored = Flag.objects.get()
    assert (stored.reason, stored.comment, stored.state) == ("other", "first", state)


def test_somebody_elses_reply_is_the_same_404_as_an_unknown_one(reply):
    stranger = tab_of(make_visitor().key)
    foreign, unknown = (flag(stranger, pk, {"reason": "other"}) for pk in (reply.pk, uuid.uuid4()))
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
    assert not Flag.objects.exists()


def test_a_request_without_the_csrf_token_is_refused(reply):
    client = Client(enforce_csrf_checks=True)
    client.cookies[COOKIE] = cookie_for(reply.conversation.visitor_id)
    assert flag(client, reply.pk, {"reason": "other"}).status_code == 403
    assert not Flag.objects.exists()


def test_no_cookie_is_told_to_reload(reply):
    response = flag(Client(), reply.pk, {"reason": "other"})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "no_visitor")


@pytest.mark.parametrize(
    ("body", "code", "field", "limit"),
    [
        ({}, "field_invalid", "reason", None),
        ({"reason": ""}, "reason_unknown", "reason", ", ".join(Flag.Reason.values)),
        ({"reason": "boring"}, "reason_unknown", "reason", ", ".join(Flag.Reason.values)),
        ({"reason": "other", "comment": 5}, "field_invalid", "comment", None),
        ({"reason": "other", "comment": "x" * 2001}, "comment_too_long", "comment", 2000),
        ({"reason": "other", "comment": "\0"}, "text_unreadable", "comment", None),
    ],
)
def test_a_bad_flag_names_the_field_and_the_limit(tab, reply, body, code, field, limit):
    response = flag(tab, reply.pk, body)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["field"], error["limit"]) == (400, code, field, limit)
    assert not Flag.objects.exists()


def test_a_comment_of_exactly_the_limit_is_stored(tab, reply):
    assert flag(tab, reply.pk, {"reason": "other", "comment": "é" * 2000}).status_code == 200
    assert len(Flag.objects.get().comment) == 2000
