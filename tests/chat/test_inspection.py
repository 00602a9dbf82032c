"""What a model saw, as its visitor and staff are told of it."""

import datetime
import uuid
from dataclasses import replace

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from chat.conversations import branch
from chat.generation.context import build, context_of, digest, plan
from chat.generation.templates import keep, name_of
from chat.inspection import Viewer, any_reply, inspect, own_reply
from chat.models import ChatModel, ReplyState
from chat.prompts.fastchat import ConvTemplate
from chat.restrictions import Grounds, hide_reply
from chat.visitors import COOKIE, cookie_for
from chat.workers.protocols import PROTOCOLS
from tests.chat.factories import make_conversation, make_model, make_turn, make_visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation():
    return make_conversation(model=make_model("llava-v1.5-7b"), template="vicuna_v1")


def browser(key):
    client = Client()
    client.cookies[COOKIE] = cookie_for(key)
    return client


def told(reply, **viewer):
    return inspect(any_reply(reply.pk), Viewer(**viewer))


def fact(answer, label):
    return dict(answer["facts"]).get(label)


def test_a_message_that_was_held_back_reached_no_model(conversation):
    _, reply = make_turn(conversation, answer="", state=ReplyState.FAILED, error_code="moderation_flagged")
    answer = told(reply)
    assert (answer["verdict"], answer["text"]) == (
        "not_sent",
        "No model was asked. This is what would be sent.",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"first_answered": timezone.now()},
        {"state": ReplyState.INTERRUPTED, "error_code": "interrupted"},
        {"state": ReplyState.FAILED, "error_code": "worker_refused"},
    ],
)
def test_where_nothing_was_noted_nobody_says_that_it_is_exact(conversation, fields):
    _, reply = make_turn(conversation, **fields)
    assert told(reply)["verdict"] == "unknown"


def test_settings_that_have_changed_since_are_noticed(conversation):
    _, reply = make_turn(conversation, protocol="llava", template="vicuna_v1", request_hash="0" * 16)
    assert told(reply)["verdict"] == "changed"


def test_a_template_that_is_gone_is_named_and_the_facts_stay(conversation):
    _, reply = make_turn(conversation, protocol="llava", template="gone")
    answer = told(reply)
    assert answer["text"].startswith("The prompt template of this conversation no longer exists.")
    assert (answer["prompt"], fact(answer, "Temperature")) == ([], "0.8")


def test_the_template_with_which_it_was_asked_is_used_and_not_the_conversations(conversation):
    _, reply = make_turn(conversation, protocol="llava", template="mpt")
    assert any(kind == "control" for _, kind in told(reply)["prompt"][0]["pieces"])
    assert "<|im_start|>" in "".join(text for text, _ in told(reply)["prompt"][0]["pieces"])


def test_an_imported_conversation_is_not_guessed_at(conversation):
    conversation.source = "llava"
    conversation.save()
    _, reply = make_turn(conversation, parameters={"temperature": "warm"})
    answer = told(reply)
    assert answer["text"].startswith("This comes from another server's log.")
    assert (answer["request"], fact(answer, "Temperature")) == (None, "warm")


def test_a_hidden_reply_is_still_in_what_followed_it(conversation):
    _, hidden = make_turn(conversation, answer="hidden words")
    hide_reply(hidden, Grounds(User.objects.create_user("moderator"), "rude"))
    _, reply = make_turn(conversation, parent=hidden)
    assert "hidden words" in told(reply)["request"]["prompt"]
    assert browser(conversation.visitor_id).get(f"/replies/{hidden.pk}/").status_code == 200


def test_a_turn_that_was_held_back_is_left_out_of_what_followed(conversation):
    _, held = make_turn(conversation, "forbidden words", "", state=ReplyState.FAILED)
    _, reply = make_turn(conversation, parent=held)
    assert "forbidden words" not in told(reply)["request"]["prompt"]


def test_workers_addresses_are_for_staff(conversation):
    _, reply = make_turn(conversation, worker="http://10.0.0.5:40000")
    assert "10.0.0.5" not in browser(conversation.visitor_id).get(f"/replies/{reply.pk}/").content.decode()
    assert fact(told(reply, is_staff=True), "Worker") == "http://10.0.0.5:40000"


def test_times_and_speed(conversation):
    begun = timezone.now()

    def after(seconds):
        return begun + datetime.timedelta(seconds=seconds)

    _, reply = make_turn(
        conversation,
        "Why?",
        "<think>\nhm\n</think>\n\nSo.",
        created=begun,
        sent=after(2),
        first_answered=after(2.5),
        finished=after(6.5),
        prompt_tokens=40,
        output_tokens=10,
        finish_reason="stop",
    )
    answer = told(reply)
    expected = {
        "Waited in line": "2.00 s",
        "To the first word": "0.50 s",
        "Whole reply": "4.50 s",
        "Tokens of the request": "40",
        "Tokens of the reply": "10",
        "Tokens a second": "2.5",
        "Characters of thinking": "21",
        "Ended because": "stop",
    }
    assert {label: fact(answer, label) for label in expected} == expected


def test_a_continued_replys_speed_is_that_of_what_it_added(conversation):
    begun = timezone.now()
    later = begun + datetime.timedelta(seconds=2)
    _, old = make_turn(conversation, answer="x" * 90, state=ReplyState.STOPPED)
    reply = old
    reply.pk, reply.variant, reply.text, reply.continues_id = uuid.uuid4(), 1, "x" * 100, old.pk
    reply.first_answered, reply.finished = begun, later
    reply.save(force_insert=True)
    assert fact(told(reply), "Characters a second") == "5.0"


def test_somebody_elses_reply_a_message_and_none_at_all_are_the_same_404(conversation):
    message, reply = make_turn(conversation)
    own, other = browser(conversation.visitor_id), browser(make_visitor().key)
    answers = [
        other.get(f"/replies/{reply.pk}/"),
        own.get(f"/replies/{message.pk}/"),
        own.get(f"/replies/{uuid.uuid4()}/"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.content for answer in answers}) == 1
    assert own_reply(make_visitor().key, reply.pk) is None


def staff(*permissions):
    user = User.objects.create_user("ann", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_staff_who_may_view_messages_see_deleted_ones_too(conversation):
    _, reply = make_turn(conversation, worker="http://10.0.0.5:40000")
    conversation.deleted = timezone.now()
    conversation.save()
    answer = staff("view_message").get(f"/admin/chat/message/{reply.pk}/inspect/")
    assert answer.status_code == 200
    assert fact(answer.json(), "Worker") == "http://10.0.0.5:40000"


def test_other_staff_may_not(conversation):
    _, reply = make_turn(conversation)
    assert staff("view_vote").get(f"/admin/chat/message/{reply.pk}/inspect/").status_code == 403


def test_a_request_without_what_its_server_refused_is_found_again(conversation):
    _, reply = make_turn(conversation, protocol="openai")
    path = branch(reply.parent)
    context = context_of(conversation, conversation.model, reply.parameters, path)
    openai = PROTOCOLS["openai"]
    sent = replace(plan(context, openai).request, without=frozenset({"max_tokens", "top_p"}))
    reply.request_hash = digest(sent, openai)
    reply.save()
    answer = told(reply)
    assert answer["verdict"] == "exact"
    assert "top_p" not in answer["request"]
    assert answer["request"]["max_completion_tokens"] == 1024


@pytest.mark.parametrize(
    ("protocol", "told_first", "told_then"),
    [("internvl2", 1.1, 1.3), ("fastchat", 1.0, 1.3), ("openai", None, 1.3)],
)
def test_a_model_has_a_repetition_penalty_of_its_own_or_that_of_its_protocol(
    conversation, protocol, told_first, told_then
):
    _, reply = make_turn(conversation, protocol=protocol, template="vicuna_v1")
    assert told(reply)["request"].get("repetition_penalty") == told_first
    ChatModel.objects.update(repetition_penalty=1.3)
    reply.model.refresh_from_db()
    assert told(reply)["request"]["repetition_penalty"] == told_then


def test_a_template_that_the_worker_told_is_not_made_up(conversation):
    _, reply = make_turn(conversation, protocol="fastchat", request_hash="0" * 16)
    answer = told(reply)
    assert answer["text"].startswith("The model's server told its own prompt template")
    assert (answer["verdict"], answer["request"]) == ("unknown", None)


def test_a_request_in_a_template_that_the_worker_told_is_built_again(conversation):
    own = ConvTemplate(7, ("[INST]", "[/INST]"), name="llama-2", sep=" ", sep2=" </s><s>")
    _, reply = make_turn(conversation, protocol="fastchat", template=name_of(own))
    context = context_of(conversation, conversation.model, reply.parameters, branch(reply.parent))
    fastchat = PROTOCOLS["fastchat"]
    reply.request_hash = digest(build(replace(context, template=""), fastchat, own), fastchat)
    reply.save()
    assert told(reply)["text"].startswith(
        "The model's server told its own prompt template, which is not kept"
    )
    keep(own)
    keep(own)
    answer = told(reply)
    assert answer["verdict"] == "exact"
    assert ["[/INST]", "control"] in [list(piece) for piece in answer["prompt"][0]["pieces"]]
    assert fact(answer, "Prompt template") == "told by the worker"


def test_fastchats_request_in_a_template_of_ours_is_built_again(conversation):
    _, reply = make_turn(conversation, protocol="fastchat", template="vicuna_v1")
    context = context_of(conversation, conversation.model, reply.parameters, branch(reply.parent))
    fastchat = PROTOCOLS["fastchat"]
    reply.request_hash = digest(build(context, fastchat), fastchat)
    reply.save()
    assert told(reply)["verdict"] == "exact"
