"""Of a long conversation the end of one branch is sent; what stands before and beside it can be asked for."""

import uuid

import pytest
from django.utils import timezone

from chat import conversations, events, turns
from chat.models import Image, Message, MessageImage, ReplyState, Upload
from chat.refusals import Refused
from chat.visitors import COOKIE, cookie_for
from tests.chat.factories import make_conversation, make_model, make_turn

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation():
    return make_conversation(model=make_model())


def make_turns(conversation, count, parent=None):
    rows = []
    for number in range(count):
        rows += make_turn(conversation, f"question {number}", f"answer {number}", parent=parent)
        parent = rows[-1]
    return rows


def opened(conversation, **more):
    return conversations.snapshot(conversation.pk, conversation.visitor_id, **more)


def ids(found):
    return [message.id for message in found.messages]


def keys(rows):
    return [row.pk for row in rows]


def edit(conversation, message, text="asked differently", **more):
    frame = events.Send(
        client_id=uuid.uuid4(),
        model=conversation.model.name,
        text=text,
        conversation=conversation.pk,
        edits=message.pk,
        **more,
    )
    return turns.start(conversation.visitor_id, None, frame, uuid.uuid4())


def end_replies():
    Message.objects.live().update(state=ReplyState.COMPLETE)


def add_picture(message):
    image = Image.objects.create(md5=uuid.uuid4().hex, width=8, height=8, difference_hash=0, bytes=1)
    upload = Upload.objects.create(visitor_id=message.conversation.visitor_id, image=image, name="a.png")
    MessageImage.objects.create(message=message, upload=upload, position=0)
    return upload.pk


def test_the_newest_page_is_sent_and_earlier_ones_can_be_asked_for(conversation, client):
    rows = make_turns(conversation, 40)
    found = opened(conversation)
    assert ids(found) == keys(rows[60:])
    assert found.leaf == rows[-1].pk

    client.cookies[COOKIE] = cookie_for(conversation.visitor_id)
    path = f"/c/{conversation.pk}/messages/"
    before = client.get(path, {"before": rows[60].pk}).json()["messages"]
    assert [uuid.UUID(message["id"]) for message in before] == keys(rows[40:60])
    first = client.get(path, {"before": rows[10].pk}).json()["messages"]
    assert [uuid.UUID(message["id"]) for message in first] == keys(rows[:10])
    assert client.get(path, {"before": rows[0].pk}).json() == {"messages": [], "images": []}


def test_a_page_that_comes_back_gets_all_that_it_holds_and_no_text_twice(conversation):
    rows = make_turns(conversation, 40)
    have = [events.Held(message=row.pk, epoch=0, offset=len(row.text)) for row in rows if row.position >= 10]
    found = opened(conversation, have=have)
    assert ids(found) == keys(rows[10:])
    assert {message.text for message in found.messages} == {""}


def test_pictures_of_messages_that_are_not_sent_are_told_of(conversation, client):
    rows = make_turns(conversation, 40)
    first, second, shown = (add_picture(rows[place]) for place in (0, 30, 70))
    found = opened(conversation)
    assert [[image.id for image in images] for images in found.images] == [[first], [second]]
    assert [image.id for message in found.messages for image in message.images] == [shown]
    client.cookies[COOKIE] = cookie_for(conversation.visitor_id)
    page = client.get(f"/c/{conversation.pk}/messages/", {"before": rows[50].pk}).json()
    assert [[uuid.UUID(image["id"]) for image in images] for images in page["images"]] == [[first]]


@pytest.mark.parametrize("place", [0, 2])
def test_an_edited_message_stands_beside_the_old_one(conversation, place):
    rows = make_turns(conversation, 3)
    turn = edit(conversation, rows[place])
    new, reply = Message.objects.get(pk=turn.message), Message.objects.get(pk=turn.reply)
    assert (new.parent, new.position, new.text) == (rows[place].parent, place, "asked differently")
    assert (reply.parent, reply.state) == (new, ReplyState.QUEUED)
    assert [text.text for text in turn.context.turns if text.text][-1] == "asked differently"
    assert turn.messages[0].siblings == [rows[place].pk, new.pk]
    assert Message.objects.filter(pk__in=keys(rows)).count() == 6


def test_the_newest_branch_is_shown_and_any_other_that_is_asked_for(conversation):
    rows = make_turns(conversation, 3)
    turn = edit(conversation, rows[0])
    end_replies()
    found = opened(conversation)
    assert ids(found) == [turn.message, turn.reply]
    assert found.messages[0].siblings == [rows[0].pk, turn.message]
    old = opened(conversation, at=rows[0].pk)
    assert ids(old) == keys(rows)
    assert old.messages[0].siblings == [rows[0].pk, turn.message]
    assert ids(opened(conversation, at=uuid.uuid4())) == [turn.message, turn.reply]


def test_a_branch_that_is_asked_for_comes_with_the_message_that_was_named(conversation):
    rows = make_turns(conversation, 40)
    edit(conversation, rows[4])
    end_replies()
    assert ids(opened(conversation, at=rows[4].pk)) == keys(rows[4:])


def test_a_reply_that_runs_on_another_branch_is_sent_too(conversation):
    rows = make_turns(conversation, 2)
    turn = edit(conversation, rows[2])
    found = opened(conversation, at=rows[2].pk)
    assert found.leaf == rows[3].pk
    assert set(ids(found)) == {*keys(rows), turn.reply}


def test_the_shown_branch_does_not_depend_on_clocks_that_were_set_back(conversation):
    rows = make_turns(conversation, 2)
    Message.objects.filter(pk=rows[0].pk).update(created=timezone.now() + timezone.timedelta(hours=1))
    assert ids(opened(conversation)) == keys(rows)


def test_variants_are_told_of_by_their_ids(conversation):
    question, old = make_turn(conversation)
    frame = events.Regenerate(client_id=uuid.uuid4(), message=old.pk)
    turn = turns.start_variant(conversation.visitor_id, frame, uuid.uuid4())
    assert turn.messages[0].siblings == [old.pk, turn.reply]
    found = opened(conversation)
    assert ids(found) == [question.pk, turn.reply]
    assert found.messages[1].siblings == [old.pk, turn.reply]


def test_sending_an_edit_again_gives_the_same_branch(conversation):
    rows = make_turns(conversation, 2)
    frame = events.Send(
        client_id=uuid.uuid4(),
        model=conversation.model.name,
        text="again",
        conversation=conversation.pk,
        edits=rows[0].pk,
    )
    first, second = (turns.start(conversation.visitor_id, None, frame, uuid.uuid4()) for _ in range(2))
    assert (first.message, first.reply) == (second.message, second.reply)
    assert second.messages[0].siblings == [rows[0].pk, first.message]


def test_only_a_message_of_the_same_conversation_and_of_the_visitors_own_can_be_edited(conversation):
    question, reply = make_turn(conversation)
    other, _ = make_turn(make_conversation(conversation.visitor, conversation.model))
    for message in (reply, other):
        with pytest.raises(Refused) as refused:
            edit(conversation, message)
        assert (refused.value.code, refused.value.field) == ("not_found", "edits")
    frame = events.Send(
        client_id=uuid.uuid4(), model=conversation.model.name, text="no conversation", edits=question.pk
    )
    with pytest.raises(Refused):
        turns.start(conversation.visitor_id, None, frame, uuid.uuid4())
    assert Message.objects.count() == 4


def test_somebody_elses_earlier_messages_are_as_unknown_as_none(conversation, client):
    rows = make_turns(conversation, 2)
    client.cookies[COOKIE] = cookie_for(uuid.uuid4())
    theirs = client.get(f"/c/{conversation.pk}/messages/", {"before": rows[2].pk})
    nobodys = client.get(f"/c/{uuid.uuid4()}/messages/", {"before": rows[2].pk})
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.content == nobodys.content


@pytest.mark.parametrize("before", ["", "yesterday"])
def test_a_message_that_is_no_id_is_refused_by_name(conversation, client, before):
    answer = client.get(f"/c/{conversation.pk}/messages/", {"before": before})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "before")
