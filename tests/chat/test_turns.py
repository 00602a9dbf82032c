"""A turn is stored whole or not at all, and once for each client id."""

import threading
import uuid

import pytest
from django.db import connection

from chat import events, turns
from chat.deletion import delete_conversation
from chat.models import Conversation, Message, ReplyState, Visitor
from chat.refusals import Refused
from tests.chat.factories import make_conversation, make_model, make_turn, make_visitor

OWNER = uuid.uuid4()


def send(model, **fields):
    return events.Send(
        client_id=fields.pop("client_id", uuid.uuid4()), model=model.name, **{"text": "hello", **fields}
    )


def start(visitor_key, frame):
    return turns.start(visitor_key, None, frame, OWNER)


@pytest.fixture
def model(db):
    return make_model()


def refusal(*arguments):
    with pytest.raises(Refused) as refused:
        start(*arguments)
    return refused.value


def test_a_first_message_makes_visitor_conversation_message_and_reply(model):
    key = uuid.uuid4()
    turn = start(key, send(model, text="  What is this?\nAnd that?  "))
    conversation = Conversation.objects.get(pk=turn.conversation)
    message, reply = conversation.messages.order_by("position")
    assert conversation.visitor == Visitor.objects.get(key=key)
    assert (conversation.title, conversation.template) == ("What is this?", "llava_v1")
    assert (message.role, message.text, message.position) == ("user", "What is this?\nAnd that?", 0)
    assert (reply.parent, reply.state, reply.owner, reply.position) == (message, ReplyState.QUEUED, OWNER, 1)


def test_the_same_client_id_gives_the_same_turn(model):
    key, frame = uuid.uuid4(), send(model)
    first, second = start(key, frame), start(key, frame)
    assert first.fresh
    assert not second.fresh
    assert (first.message, first.reply) == (second.message, second.reply)
    assert Message.objects.count() == 2


@pytest.mark.parametrize("names_its_conversation", [False, True])
def test_a_message_sent_again_after_its_conversation_was_deleted_brings_nothing_back(
    model, names_its_conversation
):
    key, frame = uuid.uuid4(), send(model)
    turn = start(key, frame)
    if names_its_conversation:
        Message.objects.filter(pk=turn.reply).update(state=ReplyState.COMPLETE)
        frame = send(model, conversation=turn.conversation)
        start(key, frame)
    delete_conversation(key, turn.conversation)
    again = refusal(key, frame)
    assert (again.code, again.field) == ("not_found", "conversation")
    assert not Conversation.objects.visible().exists()


def test_a_variant_sent_again_after_its_conversation_was_deleted_brings_nothing_back(model):
    conversation = make_conversation(model=model)
    _, reply = make_turn(conversation)
    frame = events.Regenerate(client_id=uuid.uuid4(), message=reply.pk)
    turns.start_variant(conversation.visitor_id, frame, OWNER)
    delete_conversation(conversation.visitor_id, conversation.pk)
    with pytest.raises(Refused) as refused:
        turns.start_variant(conversation.visitor_id, frame, OWNER)
    assert refused.value.code == "not_found"


def test_a_message_of_which_nothing_can_be_seen_gives_no_title(model):
    turn = start(uuid.uuid4(), send(model, text="\u200b\u2066"))
    assert Conversation.objects.get(pk=turn.conversation).title == ""


def test_a_waiting_reply_that_continues_another_is_adopted_with_its_beginning(model):
    conversation = make_conversation(model=model)
    _, old = make_turn(conversation, answer="one two", state=ReplyState.STOPPED)
    frame = events.Continue(client_id=uuid.uuid4(), message=old.pk)
    turn = turns.start_variant(conversation.visitor_id, frame, OWNER)
    assert (turn.context.beginning, turn.context.parameters) == ("one two", old.parameters)
    assert turns.contexts([turn.reply])[turn.reply] == turn.context


def test_the_same_client_id_of_another_visitor_is_another_message(model):
    frame = send(model)
    assert start(uuid.uuid4(), frame).message != start(uuid.uuid4(), frame).message


@pytest.mark.django_db(transaction=True)
def test_ten_sends_at_once_store_one_turn():
    model, key = make_model(), uuid.uuid4()
    frame, results, barrier = send(model), [], threading.Barrier(10)

    def run():
        try:
            barrier.wait()
            results.append(start(key, frame))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(turn.conversation, turn.message, turn.reply) for turn in results}) == 1
    assert len(results) == 10
    assert sum(turn.fresh for turn in results) == 1
    assert (Conversation.objects.count(), Message.objects.count()) == (1, 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [events.Regenerate, events.Continue])
def test_ten_times_the_same_variant_at_once_store_one(kind):
    conversation = make_conversation()
    _, old = make_turn(conversation, answer="one two", state=ReplyState.STOPPED)
    frame, results, barrier = kind(client_id=uuid.uuid4(), message=old.pk), [], threading.Barrier(10)

    def run():
        try:
            barrier.wait()
            results.append(turns.start_variant(conversation.visitor_id, frame, OWNER))
        except Refused as refused:
            results.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {getattr(turn, "reply", turn) for turn in results} == {results[0].reply}
    assert (len(results), sum(turn.fresh for turn in results)) == (10, 1)


@pytest.mark.django_db(transaction=True)
def test_two_different_sends_at_once_into_one_conversation_start_one_reply():
    visitor, model = make_visitor(), make_model()
    conversation = make_conversation(visitor, model)
    make_turn(conversation)
    outcomes, barrier = [], threading.Barrier(4)

    def run():
        try:
            barrier.wait()
            outcomes.append(start(visitor.key, send(model, conversation=conversation.pk)).fresh)
        except Refused as refused:
            outcomes.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["True", "reply_running", "reply_running", "reply_running"]


def test_nothing_is_stored_when_a_message_is_refused(model):
    refused = refusal(uuid.uuid4(), send(model, images=[uuid.uuid4()]))
    assert (refused.code, refused.field) == ("image_unknown", "images")
    assert (Visitor.objects.count(), Conversation.objects.count(), Message.objects.count()) == (0, 0, 0)


def test_a_model_that_is_not_listed_now_is_refused(db):
    assert refusal(uuid.uuid4(), send(make_model(listed=False))).code == "model_gone"


def test_a_disabled_model_is_refused(db):
    assert refusal(uuid.uuid4(), send(make_model(enabled=False))).code == "model_gone"


def test_a_blocked_visitor_is_refused(model):
    visitor = make_visitor()
    visitor.blocks.create(reason="Spam")
    assert refusal(visitor.key, send(model)).code == "visitor_blocked"


def test_a_deleted_conversation_is_not_found(model):
    conversation = make_conversation(model=model)
    make_turn(conversation)
    conversation.deleted = conversation.updated
    conversation.save()
    assert refusal(conversation.visitor_id, send(model, conversation=conversation.pk)).code == "not_found"


def test_a_models_own_limit_on_output_tokens_wins_over_the_sites(db):
    model = make_model(max_output_tokens=128)
    frame = send(model, parameters=events.Parameters(max_output_tokens=256))
    refused = refusal(uuid.uuid4(), frame)
    assert (refused.field, refused.limit) == ("max_output_tokens", 128)
    turn = start(uuid.uuid4(), send(model))
    assert Message.objects.get(pk=turn.reply).parameters["max_output_tokens"] == 128


def test_regenerate_numbers_variants_of_one_question(model):
    conversation = make_conversation(model=model)
    message, reply = make_turn(conversation)
    for expected in (1, 2):
        turn = turns.start_variant(
            conversation.visitor_id, events.Regenerate(client_id=uuid.uuid4(), message=reply.pk), OWNER
        )
        variant = Message.objects.get(pk=turn.reply)
        assert (variant.parent, variant.variant) == (message, expected)
        Message.objects.filter(pk=variant.pk).update(state=ReplyState.COMPLETE)


def test_regenerating_anothers_reply_is_not_found(model):
    _, reply = make_turn(make_conversation(model=model))
    with pytest.raises(Refused) as refused:
        turns.start_variant(uuid.uuid4(), events.Regenerate(client_id=uuid.uuid4(), message=reply.pk), OWNER)
    assert refused.value.code == "not_found"
