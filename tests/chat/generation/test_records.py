"""Every step of a reply's life is one conditional UPDATE, so two processes can't both end it."""

import uuid

import pytest
from django.utils import timezone

from chat.generation import records
from chat.models import CircuitBreaker, Message, ModerationEvent, ReplyState, Stage
from chat.moderation.verdicts import Decision
from tests.chat.factories import make_conversation, make_turn

OWNER, ELSEWHERE = uuid.uuid4(), uuid.uuid4()


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
    assert records.interrupt(OWNER, [reply.pk]) == []
    reply.refresh_from_db()
    assert reply.state == ReplyState.STOPPED
    assert reply.finished is not None


def test_what_a_check_keeps_back_is_so_though_another_process_took_this_one_for_dead(reply):
    records.write_progress(OWNER, [progress(reply, "what it said")])
    assert records.interrupt(OWNER, [reply.pk]) == [reply.pk]
    decision = Decision("words", Stage.REPLY, ModerationEvent.Outcome.HELD)
    checked = records.Checked([decision], "", "what it said", ReplyState.COMPLETE)
    assert records.finish(OWNER, progress(reply, "", 1), ReplyState.FAILED, "reply_held", checked=checked)
    reply.refresh_from_db()
    assert (reply.text, reply.error_code, reply.withheld.text) == ("", "reply_held", "what it said")
    assert ModerationEvent.objects.awaiting_review().get().message == reply
    again = records.Checked([decision], "", "what it said", ReplyState.COMPLETE)
    assert not records.finish(OWNER, progress(reply), ReplyState.FAILED, "reply_held", checked=again)


def test_nobody_can_stop_anothers_reply(reply):
    with pytest.raises(Message.DoesNotExist):
        records.request_stop(uuid.uuid4(), reply.pk)
    reply.refresh_from_db()
    assert not reply.stop_requested


def test_a_beat_tells_what_is_to_be_stopped(reply):
    assert beat(OWNER).mine == [(reply.pk, "streaming", False, None)]
    assert records.request_stop(reply.conversation.visitor_id, reply.pk) == OWNER
    assert beat(OWNER).mine == [(reply.pk, "streaming", True, None)]


def test_a_failed_reply_goes_back_in_line_only_while_it_is_its_processs_own(reply):
    assert not records.requeue(ELSEWHERE, reply.pk)
    assert records.requeue(OWNER, reply.pk)
    reply.refresh_from_db()
    assert (reply.state, reply.worker, reply.sent) == (ReplyState.QUEUED, "", None)
    assert records.requeue(OWNER, reply.pk), "it is called again when its connection is lost"
    records.finish(OWNER, progress(reply), ReplyState.STOPPED)
    assert not records.requeue(OWNER, reply.pk)


# Processes that die


def beat(process):
    return records.beat(process, "here", 1)


def test_a_beat_tells_the_counters_of_the_others(reply):
    assert beat(ELSEWHERE).others == {OWNER: None}
    beat(OWNER)
    beat(OWNER)
    assert beat(ELSEWHERE).others == {OWNER: 1}


def test_a_process_whose_counter_moved_is_left_alone(reply):
    beat(OWNER)
    seen = beat(ELSEWHERE).others[OWNER]
    beat(OWNER)
    assert records.take_over(ELSEWHERE, OWNER, seen, adopt=True) == ([], [])
    reply.refresh_from_db()
    assert reply.state == ReplyState.STREAMING


def test_what_a_dead_process_streamed_is_interrupted_and_what_waited_is_adopted(reply):
    waiting = make_turn(make_conversation(), answer="", state=ReplyState.QUEUED, owner=OWNER)[1]
    beat(OWNER)
    seen = beat(ELSEWHERE).others[OWNER]
    assert records.take_over(ELSEWHERE, OWNER, seen, adopt=True) == ([reply.pk], [waiting.pk])
    reply.refresh_from_db()
    waiting.refresh_from_db()
    assert (reply.state, reply.error_code) == (ReplyState.INTERRUPTED, "interrupted")
    assert (waiting.state, waiting.owner) == (ReplyState.QUEUED, ELSEWHERE)
    assert beat(ELSEWHERE).others == {}


def test_only_one_of_two_processes_takes_over(reply):
    beat(OWNER)
    seen = beat(ELSEWHERE).others[OWNER]
    assert records.take_over(ELSEWHERE, OWNER, seen, adopt=True).interrupted == [reply.pk]
    assert records.take_over(uuid.uuid4(), OWNER, seen, adopt=True) == ([], [])


def test_a_process_that_ends_adopts_nothing(db):
    waiting = make_turn(make_conversation(), answer="", state=ReplyState.QUEUED, owner=OWNER)[1]
    assert records.take_over(ELSEWHERE, OWNER, None, adopt=False) == ([], [])
    waiting.refresh_from_db()
    assert waiting.owner == OWNER


def test_a_reply_that_has_waited_for_too_long_is_interrupted(db):
    waiting = make_turn(make_conversation(), answer="", state=ReplyState.QUEUED, owner=OWNER)[1]
    Message.objects.filter(pk=waiting.pk).update(created=timezone.now() - records.ADOPT_WITHIN * 2)
    assert records.take_over(ELSEWHERE, OWNER, None, adopt=True) == ([waiting.pk], [])


def test_a_process_that_was_taken_for_dead_registers_again(reply):
    beat(OWNER)
    records.take_over(ELSEWHERE, OWNER, beat(ELSEWHERE).others[OWNER], adopt=True)
    beat(OWNER)
    assert OWNER in beat(ELSEWHERE).others


def test_a_released_reply_belongs_to_nobody_until_it_is_adopted(db):
    waiting = make_turn(make_conversation(), answer="", state=ReplyState.QUEUED, owner=OWNER)[1]
    assert records.release(ELSEWHERE, [waiting.pk]) == []
    assert records.release(OWNER, [waiting.pk]) == [waiting.pk]
    assert beat(ELSEWHERE).others == {None: None}
    assert records.take_over(ELSEWHERE, None, None, adopt=True).adopted == [waiting.pk]
    assert beat(OWNER).mine == []


def test_a_reply_that_streams_is_not_released(reply):
    assert records.release(OWNER, [reply.pk]) == []


# Breakers


def test_a_breaker_is_stored_while_its_worker_fails(reply):
    records.register_process(OWNER, "here", 1)
    note = records.BreakerNote("http://one", "open", 3, "worker_refused", "nobody there")
    records.note_breaker(OWNER, note)
    records.note_breaker(OWNER, note._replace(failures=4))
    assert list(CircuitBreaker.objects.values_list("address", "state", "failures")) == [
        ("http://one", "open", 4)
    ]
    records.note_breaker(OWNER, note._replace(state="closed", failures=0))
    assert not CircuitBreaker.objects.exists()


def test_the_breakers_of_a_process_go_with_it(reply):
    records.register_process(OWNER, "here", 1)
    records.note_breaker(OWNER, records.BreakerNote("http://one", "open", 3, "worker_refused", ""))
    records.forget_process(OWNER)
    assert not CircuitBreaker.objects.exists()
