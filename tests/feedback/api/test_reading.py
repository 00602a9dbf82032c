"""Conversations, votes and flags over the API."""

import base64
import json

import pytest

from chat.models import Conversation, HiddenReply, ReplyState, SiteText
from feedback.flags import flag
from feedback.votes import set_vote
from tests.feedback.stories import (
    START,
    answer,
    exchange,
    make_conversation,
    make_model,
    make_upload,
    make_visitor,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(db):
    return make_visitor(address="203.0.113.9")


def ids(found):
    return [item["id"] for item in found["items"]]


def test_a_conversation_has_its_messages_and_no_address(program, visitor):
    conversation = make_conversation(visitor, system_message="Be brief.")
    first = exchange(conversation, "One?", "1", uploads=[make_upload(visitor, "a" * 32)])
    exchange(conversation, "Two?", "2", parent=first)
    [listed] = program.read("conversations")["items"]
    found = program.read(f"conversations/{conversation.pk}")
    assert listed.items() <= found.items()
    assert [message["text"] for message in found["messages"]] == ["One?", "1", "Two?", "2"]
    assert found["messages"][0]["images"] == [{"md5": "a" * 32, "width": 4, "height": 3}]
    assert found["messages"][2]["parent"] == str(first.pk)
    assert (found["messages"][1]["state"], found["system_message"]) == ("complete", "Be brief.")
    assert "203.0.113.9" not in json.dumps(found)


def test_votes_and_flags_tell_what_was_said_of_which_reply(program, visitor):
    reply = exchange(make_conversation(visitor))
    set_vote(visitor.key, reply.pk, "up", ["clear"], "Good.")
    flag(visitor.key, reply.pk, "other", "Bad.")
    [vote] = program.read("votes", value="up")["items"]
    assert (vote["message_id"], vote["value"], vote["reasons"], vote["comment"]) == (
        str(reply.pk), "up", ["clear"], "Good.",
    )  # fmt: skip
    assert program.read("votes", value="down")["items"] == []
    [said] = program.read("flags", state="open", reason="other")["items"]
    assert (said["conversation_id"], said["comment"]) == (str(reply.conversation_id), "Bad.")
    assert program.read("flags", state="upheld")["items"] == []


def test_a_conversation_has_no_reply_that_goes_on_from_a_hidden_one(program, visitor):
    first = exchange(make_conversation(visitor), reply="Secret", state=ReplyState.STOPPED)
    answer(first.parent, "Secret, more", variant=1, continues=first)
    HiddenReply.objects.create(message=first, reason="Private")
    messages = program.read(f"conversations/{first.conversation_id}")["messages"]
    assert [message["text"] for message in messages] == ["What is this?"]


def test_deleted_hidden_and_refused_things_are_nowhere(program, visitor):
    gone, kept = make_conversation(visitor), make_conversation(visitor)
    hidden = exchange(kept, "One?", "Secret.")
    refused = exchange(kept, "Bad words", "", state=ReplyState.FAILED, error_code="moderation_flagged")
    exchange(kept, "Two?", "Not checked yet.", state=ReplyState.STREAMING)
    deleted = exchange(gone)
    for reply in (hidden, refused, deleted):
        set_vote(visitor.key, reply.pk, "up")
        flag(visitor.key, reply.pk, "other")
    HiddenReply.objects.create(message=hidden, reason="Private")
    Conversation.objects.filter(pk=gone.pk).update(deleted=START)
    assert program.read("votes")["items"] == program.read("flags")["items"] == []
    assert ids(program.read("conversations")) == [str(kept.pk)]
    assert program.error(f"conversations/{gone.pk}")[:2] == (404, "not_found")
    texts = [message["text"] for message in program.read(f"conversations/{kept.pk}")["messages"]]
    assert texts == ["One?", "Two?"]


def test_where_the_site_asks_for_research_those_who_did_not_say_so_are_left_out(program, visitor):
    yes, no = make_conversation(visitor, research=True), make_conversation(visitor)
    SiteText.objects.update_or_create(defaults={"offers_research": True})
    assert ids(program.read("conversations")) == [str(yes.pk)]
    assert program.error(f"conversations/{no.pk}")[0] == 404
    assert len(ids(program.read("conversations", consent="any"))) == 2


def test_who_said_no_to_research_is_left_out_where_the_site_asks_no_longer(program, visitor):
    made = make_conversation(visitor)
    set_vote(visitor.key, exchange(made).pk, "up")
    assert ids(program.read("conversations")) == [str(made.pk)]
    type(visitor).objects.filter(pk=visitor.pk).update(research=False)
    assert program.read("conversations")["items"] == program.read("votes")["items"] == []
    assert program.error(f"conversations/{made.pk}")[0] == 404
    assert len(program.read("votes", consent="any")["items"]) == 1


def test_filters_are_those_of_exports(program, visitor):
    made = [
        make_conversation(visitor, model, language=language)
        for model, language in ((make_model("one"), "de"), (make_model("two"), ""))
    ]
    Conversation.objects.filter(pk=made[0].pk).update(created=START)
    assert ids(program.read("conversations", models="one")) == [str(made[0].pk)]
    assert ids(program.read("conversations", languages="und")) == [str(made[1].pk)]
    assert ids(program.read("conversations", until="2026-11-22T10:00:01Z")) == [str(made[0].pk)]
    assert ids(program.read("conversations", since="2026-11-22T10:00:01Z")) == [str(made[1].pk)]


def test_pages_go_on_behind_the_last_row_whatever_comes_meanwhile(program, visitor):
    before = [make_conversation(visitor) for _ in range(5)]
    Conversation.objects.filter(pk__in=[each.pk for each in before[:4]]).update(created=START)
    page = program.read("conversations", limit=2)
    found = ids(page)
    late = make_conversation(visitor)
    Conversation.objects.filter(pk=found[0]).delete()
    while page["next"]:
        page = program.read("conversations", limit=2, cursor=page["next"])
        found += ids(page)
    assert sorted(found) == sorted(str(each.pk) for each in [*before, late])
    assert found[-1] == str(late.pk)


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"cursor": "?"}, "cursor_invalid", "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b'["2026-01-01", "x"]').decode()}, "cursor_invalid", "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"[" * 5000).decode()}, "cursor_invalid", "cursor"),
        ({"limit": 0}, "field_invalid", "limit"),
        ({"limit": 201}, "field_invalid", "limit"),
        ({"since": "yesterday"}, "filter_invalid", "since"),
        ({"models": "a\0b"}, "filter_invalid", "models"),
        ({"value": "left"}, "filter_invalid", "value"),
    ],
)
def test_what_can_not_be_is_named(program, query, code, field):
    assert program.error("votes", **query) == (400, code, field)


def test_lists_ask_the_database_as_often_for_many_rows_as_for_few(
    program, visitor, django_assert_num_queries
):
    conversation = make_conversation(visitor)
    for _ in range(12):
        reply = exchange(conversation, uploads=[make_upload(visitor)])
        set_vote(visitor.key, reply.pk, "up")
    program.read("votes")
    for path, queries in (("votes", 3), ("conversations", 3), (f"conversations/{conversation.pk}", 6)):
        with django_assert_num_queries(queries):
            program.read(path)
