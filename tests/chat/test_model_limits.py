"""What a model takes of a visitor, and where it is shown."""

import uuid

import pytest

from chat import events, registry, turns
from chat.kept import Kept
from chat.models import Backend, ChatModel, Message, ReplyState
from chat.refusals import Refused
from tests.chat.factories import make_conversation, make_model, make_turn

pytestmark = pytest.mark.django_db
OWNER = uuid.uuid4()


@pytest.fixture
def model():
    return make_model()


def limit(model, **fields):
    ChatModel.objects.filter(pk=model.pk).update(**fields)
    Kept.forget_all()


def send(model, key=None, **fields):
    frame = events.Send(client_id=uuid.uuid4(), model=model.name, **{"text": "hello", **fields})
    return turns.start(key or uuid.uuid4(), None, frame, OWNER)


def refusal(call, *arguments, **fields):
    before = Message.objects.count()
    with pytest.raises(Refused) as refused:
        call(*arguments, **fields)
    assert Message.objects.count() == before
    return refused.value.code, refused.value.field, refused.value.limit


def test_characters_of_a_message_end_where_the_model_or_the_site_ends(model, settings):
    limit(model, max_characters=5)
    assert refusal(send, model, text="123456") == ("message_too_long", "text", 5)
    send(model, text=" 12345 ")
    limit(model, max_characters=100)
    settings.MMCHAT_MAX_MESSAGE_CHARACTERS = 10
    assert refusal(send, model, text="x" * 11) == ("message_too_long", "text", 10)


def test_turns_of_a_conversation_are_counted_on_its_branch(model):
    conversation = make_conversation(model=model)
    key = conversation.visitor_id
    first, reply = make_turn(conversation)
    second, _ = make_turn(conversation, parent=reply)
    limit(model, max_turns=2)
    found = refusal(send, model, key, conversation=conversation.pk)
    assert found == ("too_many_turns", "conversation", 2)
    # One that stands beside an earlier one makes that branch no longer.
    turn = send(model, key, conversation=conversation.pk, edits=second.pk)
    Message.objects.filter(pk=turn.reply).update(state=ReplyState.COMPLETE)
    limit(model, max_turns=1)
    assert refusal(send, model, key, conversation=conversation.pk, edits=second.pk)[0] == "too_many_turns"
    send(model, key, conversation=conversation.pk, edits=first.pk)


def test_another_model_may_take_less_of_the_same_question(model):
    other = make_model("llava-v1.5-small")
    conversation = make_conversation(model=model)
    _, reply = make_turn(conversation, question="a long question")
    limit(other, max_characters=5)

    def regenerate(name):
        frame = events.Regenerate(client_id=uuid.uuid4(), message=reply.pk, model=name)
        return turns.start_variant(conversation.visitor_id, frame, OWNER)

    assert refusal(regenerate, other.name) == ("message_too_long", "text", 5)
    assert regenerate(model.name).fresh


def test_a_reply_that_broke_off_may_go_on_whatever_the_limits_are_now(model):
    conversation = make_conversation(model=model)
    _, reply = make_turn(conversation, question="a long question", answer="one", state=ReplyState.STOPPED)
    limit(model, max_characters=5)
    frame = events.Continue(client_id=uuid.uuid4(), message=reply.pk)
    assert turns.start_variant(conversation.visitor_id, frame, OWNER).fresh


# Where it is shown


def listed(**asked):
    found = registry.page_models(for_staff=False, **asked)
    return [entry["name"] for entry in found["list"] if entry["listed"]], found["selected"]


@pytest.fixture
def two():
    backend = Backend.objects.create(name="b", kind=Backend.Kind.CONTROLLER, url="http://127.0.0.1:1")
    registry.store_list(backend, ["a", "b"])
    return ChatModel.objects.get(name="b")


def test_a_model_by_link_only_is_in_no_list_but_that_of_who_names_it(two):
    limit(two, shown_in=ChatModel.ShownIn.LINK)
    assert listed() == (["a"], "a")
    assert listed(selected="b") == (["a", "b"], "b")
    assert listed(keep="b") == (["a", "b"], "b")
    assert listed(selected="nothing\0like it") == (["a"], "a")
    assert send(two).fresh
    limit(two, enabled=False)
    assert listed(selected="b") == (["a"], "a")


def test_the_address_of_a_model_by_link_opens_it_and_its_list_is_renewed_with_it(two, client):
    limit(two, shown_in=ChatModel.ShownIn.LINK)
    assert '"selected": "b"' in client.get("/?model=b").content.decode()
    names = [entry["name"] for entry in client.get("/models/?model=b").json()["list"]]
    assert names == ["a", "b"]
    assert len(client.get("/models/").json()["list"]) == 1


def test_a_model_for_the_arena_alone_is_not_in_the_chat(two):
    limit(two, shown_in=ChatModel.ShownIn.ARENA)
    assert listed(selected="b") == (["a"], "a")
    assert refusal(send, two)[0] == "model_gone"


def test_a_model_that_disappears_keeps_all_its_settings(two):
    fields = {
        "title": "The good one", "description": "**Good**", "position": 3, "enabled": False, "shown_in": "link",
        "protocol": "internvl2", "template": "Hermes-2", "system_message": "Be brief.", "max_images": 1,
        "max_output_tokens": 64, "max_input_tiles": 4, "max_characters": 500, "max_turns": 7,
    }  # fmt: skip
    limit(two, **fields)
    backend = Backend.objects.get()
    registry.store_list(backend, ["a"])
    registry.store_list(backend, ["a", "b"])
    two.refresh_from_db()
    assert {name: getattr(two, name) for name in fields} == fields
