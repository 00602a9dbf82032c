"""POST /feedback/<reply>/vote/."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from chat.models import ReplyState
from chat.visitors import COOKIE, cookie_for
from feedback.models import Vote, VoteChange
from tests.feedback.conftest import tab_of
from tests.feedback.stories import ask, exchange, make_conversation, make_visitor

UP_REASONS = "brilliant, clear, correct, sees_detail"


def vote(client, reply_id, data, **options):
    return client.post(
        reverse("feedback:vote", args=[reply_id]), data, content_type="application/json", **options
    )


def error_of(response):
    return response.json()["error"]


def test_a_vote_is_stored_and_confirmed(tab, reply, visitor):
    response = vote(tab, reply.pk, {"value": "up", "reasons": ["brilliant"], "comment": "Yes!"})
    assert response.status_code == 200
    assert response.json() == {
        "vote": "up",
        "reasons": ["brilliant"],
        "comment": "Yes!",
        "boxes": [],
        "preferred": False,
        "flagged": False,
    }
    stored = Vote.objects.get()
    assert (stored.visitor, stored.message, stored.value) == (visitor, reply, "up")
    assert (stored.reasons, stored.comment) == (["brilliant"], "Yes!")


def test_a_changed_vote_keeps_what_it_was(tab, reply):
    vote(tab, reply.pk, {"value": "up", "comment": "Nice"})
    first = Vote.objects.get().changed
    assert vote(tab, reply.pk, {"value": "down"}).json()["vote"] == "down"
    assert [item.value for item in Vote.objects.all()] == ["down"]
    change = VoteChange.objects.get()
    assert (change.value, change.comment, change.voted, change.message) == ("up", "Nice", first, reply)


def test_null_withdraws_a_vote_and_keeps_what_it_was(tab, reply):
    vote(tab, reply.pk, {"value": "down"})
    assert vote(tab, reply.pk, {"value": None}).json()["vote"] is None
    assert not Vote.objects.exists()
    assert VoteChange.objects.get().value == "down"


def test_the_same_vote_twice_is_one_vote_without_history(tab, reply):
    for _ in range(2):
        assert vote(tab, reply.pk, {"value": "up"}).json()["vote"] == "up"
    assert Vote.objects.count() == 1
    assert not VoteChange.objects.exists()


def test_withdrawing_twice_is_quiet(tab, reply):
    for _ in range(2):
        assert vote(tab, reply.pk, {"value": None}).json()["vote"] is None
    assert not VoteChange.objects.exists()


def test_any_reply_and_variant_can_be_voted_on(tab, visitor):
    conversation = make_conversation(visitor)
    early = exchange(conversation)
    exchange(conversation, parent=early)
    variant = exchange(conversation, state=ReplyState.STOPPED, variant=1)
    running = exchange(conversation, state=ReplyState.STREAMING)
    for item in (early, variant, running):
        assert vote(tab, item.pk, {"value": "up"}).status_code == 200
    assert Vote.objects.count() == 3


def test_somebody_elses_reply_is_the_same_404_as_an_unknown_one(reply):
    stranger = tab_of(make_visitor().key)
    foreign, unknown = (
        vote(stranger, reply.pk, {"value": "up"}),
        vote(stranger, uuid.uuid4(), {"value": "up"}),
    )
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.content == unknown.content
    assert error_of(foreign)["code"] == "not_found"
    assert not Vote.objects.exists()


def test_a_deleted_conversation_and_a_visitors_own_message_are_404(tab, reply, visitor):
    assert vote(tab, reply.parent_id, {"value": "up"}).status_code == 404
    conversation = reply.conversation
    conversation.deleted = conversation.updated
    conversation.save()
    assert vote(tab, reply.pk, {"value": "up"}).status_code == 404


def test_a_cookie_without_a_stored_visitor_is_404(reply):
    assert vote(tab_of(uuid.uuid4()), reply.pk, {"value": "up"}).status_code == 404


def test_no_cookie_or_a_forged_one_is_told_to_reload(reply):
    forged = Client()
    forged.cookies[COOKIE] = str(reply.conversation.visitor_id)
    for client in (Client(), forged):
        response = vote(client, reply.pk, {"value": "up"})
        assert response.status_code == 403
        assert error_of(response)["code"] == "no_visitor"
        assert error_of(response)["text"] == "Reload the page."


def test_a_request_without_the_csrf_token_is_refused(reply):
    client = Client(enforce_csrf_checks=True)
    client.cookies[COOKIE] = cookie_for(reply.conversation.visitor_id)
    assert vote(client, reply.pk, {"value": "up"}).status_code == 403
    assert not Vote.objects.exists()


def test_other_methods_are_refused(tab, reply):
    for method in (tab.get, tab.put, tab.delete):
        assert method(reverse("feedback:vote", args=[reply.pk])).status_code == 405


@pytest.mark.parametrize(
    ("body", "code", "field", "limit"),
    [
        ({"value": "sideways"}, "vote_unknown", "value", "up, down"),
        ({}, "field_invalid", "value", None),
        ({"value": 1}, "field_invalid", "value", None),
        ({"value": "up", "comment": None}, "field_invalid", "comment", None),
        ({"value": "up", "reasons": ["a", 2]}, "field_invalid", "reasons", None),
        ({"value": "up", "comment": "x" * 2001}, "comment_too_long", "comment", 2000),
        ({"value": "up", "comment": "a\0b"}, "text_unreadable", "comment", None),
        ({"value": "up", "reasons": ["\0"]}, "reason_unknown", "reasons", UP_REASONS),
        ({"value": "up", "reasons": ["wrong"]}, "reason_unknown", "reasons", UP_REASONS),
        ({"value": "up", "boxes": {}}, "field_invalid", "boxes", None),
        ([], "field_invalid", None, None),
        ("{", "body_unreadable", None, None),
        ("", "body_unreadable", None, None),
        ('{"value": "up", "comment": "\\ud800"}', "body_unreadable", None, None),
        (b'{"value": "up", "comment": "\xff"}', "body_unreadable", None, None),
        (b"[" * 10_000, "field_invalid", None, None),
    ],
)
def test_a_bad_vote_names_the_field_and_the_limit(tab, reply, body, code, field, limit):
    response = vote(tab, reply.pk, body)
    assert response.status_code == 400
    error = error_of(response)
    assert (error["code"], error["field"], error["limit"]) == (code, field, limit)
    assert error["text"]
    assert not Vote.objects.exists()


@pytest.mark.parametrize("size", [40_000, 70_000])
def test_a_huge_body_names_the_limit(tab, reply, size):
    response = vote(tab, reply.pk, '{"value": "up", "comment": "' + "x" * size + '"}')
    assert response.status_code == 413
    assert (error_of(response)["code"], error_of(response)["limit"]) == ("body_too_large", 32 * 1024)


def test_a_visitors_own_words_are_not_logged(tab, reply, caplog):
    with caplog.at_level("DEBUG"):
        vote(tab, reply.pk, {"value": "up", "comment": "very private words"})
        vote(tab, reply.pk, {"value": "up", "comment": "very private words" * 200})
        vote(tab, ask(reply.conversation, "x").pk, {"value": "up", "comment": "very private words"})
    assert "private" not in caplog.text


def test_a_blocked_visitor_is_told_so(tab, reply, visitor):
    visitor.blocks.create(reason="Spam")
    response = vote(tab, reply.pk, {"value": "up"})
    assert (response.status_code, error_of(response)["code"]) == (403, "visitor_blocked")
    assert not Vote.objects.exists()
