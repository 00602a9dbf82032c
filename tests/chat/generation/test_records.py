"""Every step of a reply's life is one conditional UPDATE, so two processes can't both end it."""

import uuid

import pytest
from django.utils import timezone

from chat.generation import records
from chat.models import Message, ReplyState
from tests.chat.factories import make_conversation, make_turn

OWNER = uuid.uuid4()


@pytest.fixture
def reply(db):
    return make_turn(make_conversation(), answer="", state=ReplyState.STREAMING, owner=OWNER)[1]


def progress(reply, text="so far", epoch=0):
    return records.Progress(reply.pk, text, epoch, timezone.now())


def test_progress_is_written_for_streaming_replies_of_this_process(reply):
    records.write_progress(OWNER, [progress(reply, "漢😀", 2)])
    reply.refresh_from_db()
    assert (reply.text, reply.epoch) == ("漢😀", 2)
    assert reply.first_answered is not None


def test_progress_of_a_reply_that_has_ended_changes_nothing(reply):
    records.finish(OWNER, progress(reply, "the end"), ReplyState.COMPLETE)
    records.write_progress(OWNER, [progress(reply, "late")])
    reply.refresh_from_db()
    assert (reply.text, reply.state) == ("the end", ReplyState.COMPLETE)


def test_another_process_can_write_nothing(reply):
    records.write_progress(uuid.uuid4(), [progress(reply)])
    assert not records.finish(uuid.uuid4(), progress(reply), ReplyState.COMPLETE)
    reply.refresh_from_db()
    assert (reply.text, reply.state) == ("", ReplyState.STREAMING)


def test_a_reply_ends_once(reply):
    assert records.finish(OWNER, progress(reply), ReplyState.STOPPED)
    assert not records.finish(OWNER, progress(reply), ReplyState.COMPLETE)
    assert records.interrupt({reply.pk: reply.heartbeat}) == []
    reply.refresh_from_db()
    assert reply.state == ReplyState.STOPPED
    assert reply.finished is not None


def test_a_reply_whose_counter_moved_is_not_interrupted(reply):
    seen = records.running_elsewhere([])
    assert seen == {reply.pk: 0}
    records.beat(OWNER, [reply.pk])
    assert records.interrupt(seen) == []
    assert records.interrupt({reply.pk: 1}) == [reply.pk]
    reply.refresh_from_db()
    assert (reply.state, reply.error_code) == (ReplyState.INTERRUPTED, "interrupted")


def test_a_beat_tells_what_is_to_be_stopped(reply):
    assert records.beat(OWNER, [reply.pk]) == []
    assert records.request_stop(reply.conversation.visitor_id, reply.pk) == OWNER
    assert records.beat(OWNER, [reply.pk]) == [reply.pk]
    assert records.beat(uuid.uuid4(), []) == []


def test_nobody_can_stop_anothers_reply(reply):
    with pytest.raises(Message.DoesNotExist):
        records.request_stop(uuid.uuid4(), reply.pk)
    reply.refresh_from_db()
    assert not reply.stop_requested


def test_a_reply_that_its_process_gave_up_is_left_to_the_reaper(reply):
    records.beat(OWNER, [])
    assert records.running_elsewhere([]) == {reply.pk: 0}
    assert records.running_elsewhere([reply.pk]) == {}
