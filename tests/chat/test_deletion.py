"""What visitors delete is gone from every page at once; a receipt code does it later from any browser."""

import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse

from chat.models import Conversation, Message, ReplyState, Visitor
from chat.receipts import ALPHABET, give_receipt, hash_of
from chat.refusals import Refused
from chat.visitors import COOKIE, cookie_for, key_in_cookie
from tests.chat.factories import make_conversation, make_model, make_turn, make_visitor
from tests.chat.test_turns import refusal, send


@pytest.fixture
def visitor(db):
    return make_visitor()


@pytest.fixture
def tab(visitor):
    return tab_of(visitor.key)


def tab_of(key):
    client = Client()
    client.cookies[COOKIE] = cookie_for(key)
    return client


def delete(client, conversation):
    return client.post(reverse("chat:delete_conversation", args=[conversation.pk]))


def everything_of(client):
    return client.post(reverse("chat:delete_everything"))


def test_a_deleted_conversation_is_gone_at_once_and_its_reply_is_stopped(tab, visitor):
    conversation, other = make_conversation(visitor), make_conversation(visitor)
    _, reply = make_turn(conversation, state=ReplyState.STREAMING)
    answer = delete(tab, conversation)
    assert (answer.status_code, answer["Clear-Site-Data"]) == (200, '"cache"')
    conversation.refresh_from_db()
    reply.refresh_from_db()
    assert conversation.deleted is not None
    assert reply.stop_requested
    assert tab.get(reverse("chat:conversation", args=[conversation.pk])).status_code == 404
    history = tab.get(reverse("chat:history")).json()["conversations"]
    assert [entry["id"] for entry in history] == [str(other.pk)]


def test_only_ones_own_conversation_can_be_deleted_and_only_once(tab, visitor):
    own, foreign = make_conversation(visitor), make_conversation()
    assert delete(tab, own).status_code == 200
    for conversation in (own, foreign, Conversation(pk=uuid.uuid4())):
        answer = delete(tab, conversation)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    foreign.refresh_from_db()
    assert foreign.deleted is None


def test_a_message_into_a_deleted_conversation_is_refused(tab, visitor):
    conversation = make_conversation(visitor)
    delete(tab, conversation)
    frame = send(conversation.model, conversation=conversation.pk)
    assert refusal(visitor.key, frame).code == "not_found"


def test_deleting_everything_makes_somebody_new_of_the_browser(tab, visitor):
    conversations = [make_conversation(visitor) for _ in range(2)]
    _, reply = make_turn(conversations[0], state=ReplyState.QUEUED)
    foreign = make_conversation()
    answer = everything_of(tab)
    assert answer.status_code == 200
    assert key_in_cookie(answer.cookies[COOKIE].value) not in (None, visitor.key)
    assert list(Conversation.objects.visible()) == [foreign]
    assert Message.objects.get(pk=reply.pk).stop_requested
    assert Visitor.objects.get(pk=visitor.pk).deleted is not None


def test_who_has_deleted_everything_elsewhere_can_send_nothing_and_is_new_at_the_next_page(visitor):
    model = make_model()
    everything_of(tab_of(visitor.key))
    other_tab = tab_of(visitor.key)
    assert refusal(visitor.key, send(model)).code == "visitor_deleted"
    page = other_tab.get(reverse("chat:new"))
    assert key_in_cookie(page.cookies[COOKIE].value) != visitor.key


def test_deleting_twice_or_with_nothing_stored_is_quiet(tab, db):
    assert everything_of(tab).status_code == 200
    tab.cookies[COOKIE] = cookie_for(uuid.uuid4())
    assert everything_of(tab).status_code == 200
    assert Client().post(reverse("chat:delete_everything")).status_code == 403


# Receipts


def receipt_of(client):
    return client.post(reverse("chat:new_receipt")).json()["code"]


def use(code, client=None):
    return (client or Client()).post(reverse("chat:receipt"), {"code": code})


def test_a_receipt_deletes_everything_from_any_browser_however_it_is_typed(tab, visitor):
    conversation = make_conversation(visitor)
    code = receipt_of(tab)
    assert re.fullmatch(rf"([{ALPHABET}]{{4}}-){{5}}[{ALPHABET}]{{4}}", code)
    sloppy = f" {code.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')}"
    assert use(sloppy).status_code == 200
    conversation.refresh_from_db()
    visitor.refresh_from_db()
    assert None not in (conversation.deleted, visitor.deleted)


def test_the_code_itself_is_stored_nowhere_and_a_new_one_ends_the_one_before(tab, visitor):
    first = receipt_of(tab)
    visitor.refresh_from_db()
    assert first.replace("-", "")[:20] not in visitor.receipt_hash
    second = receipt_of(tab)
    use(first)
    visitor.refresh_from_db()
    assert visitor.deleted is None
    use(second)
    visitor.refresh_from_db()
    assert visitor.deleted is not None


def test_an_unknown_code_gets_the_very_answer_of_a_known_one(tab, visitor):
    known = receipt_of(tab)
    stranger = make_visitor()
    unknown = give_receipt(stranger.key)
    stranger.delete()
    one, other = use(known), use(unknown)
    assert (one.status_code, one.content) == (other.status_code, other.content)


def test_what_can_be_no_code_is_told_so(tab, visitor):
    code = receipt_of(tab)
    for other in (code[:-1], code + "A", "", "é" * 24, "\0" * 24):
        answer = use(other)
        assert answer.status_code == 400
        assert "This is not a receipt code" in answer.content.decode()


def test_a_slip_in_any_place_is_noticed(visitor):
    code = give_receipt(visitor.key)
    for place, character in enumerate(code):
        if character != "-":
            slip = code[:place] + ("A" if character != "A" else "B") + code[place + 1 :]
            with pytest.raises(Refused, match="receipt_unreadable"):
                hash_of(slip)


def test_tries_are_limited(tab, visitor):
    code = receipt_of(tab)
    for _ in range(10):  # the default of its limit
        assert use("wrong").status_code == 400
    answer = use(code)
    assert answer.status_code == 429
    assert "too much" in answer.content.decode()
    visitor.refresh_from_db()
    assert visitor.deleted is None


def test_the_form_needs_its_token(visitor):
    code = give_receipt(visitor.key)
    client = Client(enforce_csrf_checks=True)
    assert use(code, client).status_code == 403
    visitor.refresh_from_db()
    assert visitor.deleted is None


def test_there_is_no_receipt_for_who_has_stored_nothing(db):
    with pytest.raises(Refused, match="nothing_stored"):
        give_receipt(uuid.uuid4())
    assert tab_of(uuid.uuid4()).post(reverse("chat:new_receipt")).status_code == 400
