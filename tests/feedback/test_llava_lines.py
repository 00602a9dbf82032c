"""The lines of the export beside those that a LLaVA server wrote."""

import datetime
import json
import re
from pathlib import Path

import pytest

from chat.models import ReplyState
from chat.moderation.verdicts import REFUSAL_CODES
from chat.prompts.families import FAMILIES
from feedback.exchange import llava
from feedback.exchange.choice import Choice
from feedback.exchange.reading import records
from feedback.exchange.records import LOGGED
from feedback.flags import flag
from feedback.votes import set_vote
from tests.feedback.stories import (
    START,
    answer,
    ask,
    exchange,
    make_conversation,
    make_model,
    make_upload,
    make_visitor,
)

pytestmark = pytest.mark.django_db
OWN_FIELDS = ["conversation_id", "message_id"]
SAMPLES = [
    json.loads(line) for line in (Path(__file__).parent / "samples/llava.jsonl").read_text().splitlines()
]
MD5S = [digit * 32 for digit in "abc"]


def export(*kinds):
    return [json.loads(line) for line in export_bytes(*kinds).splitlines()]


def export_bytes(*kinds):
    return b"".join(map(llava.with_ids, records(Choice(types=kinds or LOGGED, addresses=True))))


def shape(value):
    """Give the keys in order and the types of a JSON value; the items of a list merge into one set."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return ["list", sorted({json.dumps(shape(item)) for item in value})]
    return type(value).__name__


def without_own_fields(line):
    return {key: value for key, value in line.items() if key not in OWN_FIELDS}


@pytest.mark.parametrize("template", ["llava_v1", "internlm2-chat"])
@pytest.mark.parametrize("kind", ["chat", "upvote", "downvote", "flag"])
def test_every_kind_of_line_has_the_shape_of_a_real_one(kind, template):
    visitor = make_visitor()
    conversation = make_conversation(visitor, template=template)
    reply = exchange(conversation, uploads=[make_upload(visitor)])
    if kind == "flag":
        flag(visitor.key, reply.pk, "other")
    elif kind != "chat":
        set_vote(visitor.key, reply.pk, kind.removesuffix("vote"))
    [ours] = export(kind)
    sep2 = FAMILIES[template].sep2
    real = [
        line
        for line in SAMPLES
        if line["type"] == kind and line["state"]["sep2"] == sep2 and line.get("images") != []
    ]
    assert real, "the samples hold no such line"
    for sample in real:
        assert json.dumps(shape(without_own_fields(ours))) == json.dumps(shape(sample))
    assert list(ours)[-2:] == OWN_FIELDS


def test_a_real_line_comes_back_byte_for_byte():
    """Store what each chat sample says, export it, and compare all that the database can know."""
    for sample in SAMPLES:
        if sample["type"] != "chat":
            continue
        state = sample["state"]
        visitor = make_visitor(address=sample["ip"])
        family = next(
            name
            for name, family in FAMILIES.items()
            if (family.system, list(family.roles), family.sep, family.sep2)
            == (state["system"], state["roles"], state["sep"], state["sep2"])
        )
        conversation = make_conversation(visitor, make_model(sample["model"]), template=family)
        images = iter(sample["images"])
        reply = None
        moment = datetime.datetime.fromtimestamp(sample["start"], datetime.UTC)
        for (_, question), (_, text) in zip(state["messages"][::2], state["messages"][1::2], strict=True):
            uploads = [make_upload(visitor, next(images)) for _ in range(question.count("<image>\n"))]
            asked = ask(conversation, question.replace("<image>\n", ""), reply, uploads)
            reply = answer(asked, text, sent=moment, finished=moment)
        line = export("chat")[-1]
        expected = sample | {"tstamp": sample["finish"]}
        assert json.dumps(without_own_fields(line)) == json.dumps(expected)


def test_times_are_unix_seconds_with_four_decimals_and_finish_is_the_true_end():
    sent = START + datetime.timedelta(microseconds=123_456)
    finished = sent + datetime.timedelta(seconds=3, microseconds=111_111)
    exchange(make_conversation(), sent=sent, finished=finished)
    raw = export_bytes("chat").decode()
    [line] = export("chat")
    assert line["start"] == round(sent.timestamp(), 4)
    assert line["finish"] == line["tstamp"] == round(finished.timestamp(), 4)
    for name in ("tstamp", "start", "finish"):
        assert re.search(rf'"{name}": \d{{10}}\.\d{{4}}\b', raw), name


def test_a_line_holds_the_branch_up_to_its_reply():
    conversation = make_conversation()
    first = exchange(conversation, "One?", "1")
    other = answer(first.parent, "one", variant=1)
    second = exchange(conversation, "Two?", "2", parent=other)
    lines = {line["message_id"]: line["state"]["messages"] for line in export("chat")}
    assert lines[str(first.pk)] == [["USER", "One?"], ["ASSISTANT", "1"]]
    assert lines[str(other.pk)] == [["USER", "One?"], ["ASSISTANT", "one"]]
    assert lines[str(second.pk)] == [
        ["USER", "One?"],
        ["ASSISTANT", "one"],
        ["USER", "Two?"],
        ["ASSISTANT", "2"],
    ]


def test_images_are_all_of_the_branch_in_order_and_each_marks_its_message():
    visitor = make_visitor()
    uploads = [make_upload(visitor, md5) for md5 in MD5S]
    conversation = make_conversation(visitor)
    first = exchange(conversation, "These?", uploads=[uploads[1], uploads[0]])
    exchange(conversation, "And this?", parent=first, uploads=[uploads[2]])
    before, after = export("chat")
    assert before["images"] == [MD5S[1], MD5S[0]]
    assert before["state"]["messages"][0][1] == "<image>\n<image>\nThese?"
    assert after["images"] == [MD5S[1], MD5S[0], MD5S[2]]
    assert [text for _, text in after["state"]["messages"][::2]] == [
        "<image>\n<image>\nThese?",
        "<image>\nAnd this?",
    ]


def test_an_earlier_turn_without_an_answer_is_left_out_with_its_images():
    visitor = make_visitor()
    conversation = make_conversation(visitor)
    failed = exchange(conversation, "Hello?", "", state=ReplyState.FAILED, uploads=[make_upload(visitor)])
    exchange(conversation, "Again?", "Here.", parent=failed)
    [line] = export("chat")
    assert line["state"]["messages"] == [["USER", "Again?"], ["ASSISTANT", "Here."]]
    assert line["images"] == []


@pytest.mark.parametrize("state", [ReplyState.STOPPED, ReplyState.FAILED, ReplyState.INTERRUPTED])
def test_a_reply_that_did_not_finish_ends_with_the_cursor(state):
    exchange(make_conversation(), reply="A ca", state=state)
    [line] = export("chat")
    assert line["state"]["messages"][-1] == ["ASSISTANT", "A ca▌"]


def test_a_complete_reply_without_a_word_is_an_empty_text():
    exchange(make_conversation(), reply="")
    assert export("chat")[0]["state"]["messages"][-1] == ["ASSISTANT", ""]


@pytest.mark.parametrize("state", [ReplyState.QUEUED, ReplyState.STREAMING])
def test_a_reply_that_still_runs_is_no_chat_line(state):
    exchange(make_conversation(), reply="A c", state=state)
    assert export("chat") == []


def test_a_vote_on_a_reply_without_a_word_has_null_for_it():
    visitor = make_visitor()
    reply = exchange(
        make_conversation(visitor), reply="", state=ReplyState.FAILED, error_code="worker_refused"
    )
    set_vote(visitor.key, reply.pk, "down")
    assert [line["type"] for line in export()] == ["downvote"]
    assert export()[0]["state"]["messages"][-1] == ["ASSISTANT", None]


def test_deleted_conversations_are_left_out():
    visitor = make_visitor()
    conversation = make_conversation(visitor)
    reply = exchange(conversation)
    set_vote(visitor.key, reply.pk, "up")
    flag(visitor.key, reply.pk, "other")
    assert len(export()) == 3
    conversation.deleted = START
    conversation.save()
    assert export() == []


@pytest.mark.parametrize("code", REFUSAL_CODES)
def test_turns_that_moderation_refused_are_left_out(code):
    visitor = make_visitor()
    conversation = make_conversation(visitor)
    first = exchange(conversation, "Fine?", "Fine.")
    refused = exchange(conversation, "Bad words", "", parent=first, state=ReplyState.FAILED, error_code=code)
    flag(visitor.key, refused.pk, "other")
    exchange(conversation, "Better?", "Better.", parent=refused)
    assert [line["type"] for line in export()] == ["chat", "chat"]
    assert b"Bad words" not in export_bytes()


def test_a_changed_vote_is_one_line_with_the_time_of_the_change():
    visitor = make_visitor()
    reply = exchange(make_conversation(visitor))
    set_vote(visitor.key, reply.pk, "up")
    set_vote(visitor.key, reply.pk, "down")
    [line] = export("upvote", "downvote")
    assert line["type"] == "downvote"
    assert line["tstamp"] == round(reply.votes.get().changed.timestamp(), 4)


def test_the_address_is_kept_where_it_is_stored_and_else_its_hash():
    exchange(make_conversation(make_visitor(address="203.0.113.9", address_hash="f" * 64)))
    exchange(make_conversation(make_visitor(address_hash="e" * 64)))
    assert [line["ip"] for line in export("chat")] == ["203.0.113.9", "e" * 64]


def test_the_system_message_of_the_first_turn_keeps_the_wrapper_of_its_template():
    exchange(make_conversation(template="internlm2-chat", system_message="Be brief."))
    assert export("chat")[0]["state"]["system"] == "<|im_start|>system\nBe brief."


def test_a_variant_by_another_model_has_that_models_name_and_template():
    first = exchange(make_conversation(model=make_model("llava-v1.5-7b")))
    answer(first.parent, "Other", variant=1, model=make_model("llava-mpt-7b", system_message="Be kind."))
    line = export("chat")[1]
    assert line["model"] == "llava-mpt-7b"
    assert line["state"]["sep"] == FAMILIES["mpt"].sep
    assert line["state"]["system"] == "<|im_start|>system\nBe kind."


def test_a_chat_comes_before_what_was_said_about_it():
    visitor = make_visitor()
    conversation = make_conversation(visitor)
    first = exchange(conversation)
    set_vote(visitor.key, first.pk, "up")
    second = exchange(conversation, parent=first)
    flag(visitor.key, second.pk, "other")
    assert [(line["type"], line["message_id"]) for line in export()] == [
        ("chat", str(first.pk)),
        ("upvote", str(first.pk)),
        ("chat", str(second.pk)),
        ("flag", str(second.pk)),
    ]


def test_any_text_comes_back_as_it_was():
    text = 'quote " back\\slash\nline\r\n\ttab 图片 🐈 <image>\n▌'
    exchange(make_conversation(), text, text)
    assert export_bytes().count(b"\n") == 1
    assert [said for _, said in export("chat")[0]["state"]["messages"]] == [text, text]


def test_many_rows_of_one_moment_come_once_each_over_all_pages(monkeypatch):
    monkeypatch.setattr("feedback.exchange.heads.PAGE", 3)
    monkeypatch.setattr("feedback.exchange.reading.BATCH", 4)
    visitor = make_visitor()
    conversation = make_conversation(visitor)
    replies = [exchange(conversation) for _ in range(11)]
    conversation.messages.update(created=START)
    for reply in replies:
        set_vote(visitor.key, reply.pk, "up")
    lines = export()
    assert sorted(line["message_id"] for line in lines if line["type"] == "chat") == sorted(
        str(reply.pk) for reply in replies
    )
    assert sum(line["type"] == "upvote" for line in lines) == 11
    assert export_bytes() == export_bytes()
