"""Who starts next: limits hold over all processes, and visitors take turns."""

import datetime
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import queue
from chat.models import Message, ReplyState
from chat.queue import Candidate, Ready, Turns, Waiting, in_turns
from tests.chat.factories import make_conversation, make_model, make_turn, make_visitor

OWNER = uuid.uuid4()
A, B = uuid.uuid4(), uuid.uuid4()


BEGAN = timezone.now()


def at(seconds):
    return BEGAN + datetime.timedelta(seconds=seconds)


def waiting(visitor, number):
    """The reply that came in second `number`."""
    return Waiting(uuid.UUID(int=number), visitor, "model", OWNER, at(number))


def order(line, **had):
    return [item.reply.int for item in in_turns(line, Turns(**had))]


def test_a_visitors_ten_tabs_do_not_go_before_anothers_first():
    line = [waiting(A, 1), waiting(A, 2), waiting(A, 3), waiting(B, 4)]
    assert order(line) == [1, 4, 2, 3]


def test_replies_that_run_already_count_as_turns():
    line = [waiting(A, 1), waiting(B, 2)]
    assert order(line, running={A: 1}) == [2, 1]


def test_a_turn_that_has_just_ended_does_not_make_the_next_tab_anybodys_first():
    line = [waiting(A, 1), waiting(A, 2), waiting(B, 3)]
    assert order(line, ended={A: at(4)}) == [3, 1, 2]


def test_whoever_comes_after_anothers_turn_has_ended_waits_behind_his_next_one():
    line = [waiting(A, 1), waiting(B, 5)]
    assert order(line, ended={A: at(4)}) == [1, 5]


def test_a_turn_that_ended_before_the_next_was_asked_for_changes_nothing():
    line = [waiting(A, 3), waiting(B, 4)]
    assert order(line, ended={A: at(2)}) == [3, 4]


@pytest.fixture
def line(db):
    """Five replies of five visitors that wait for one model."""
    model = make_model("llava-v1.5-7b")
    replies = []
    for _ in range(5):
        conversation = make_conversation(make_visitor(), model)
        replies.append(make_turn(conversation, answer="", state=ReplyState.QUEUED, owner=OWNER)[1])
    return replies


def in_line(line, admission):
    """Give the addresses of the replies that started, oldest reply first."""
    started = dict(admission.started)
    return [started[reply.pk] for reply in line if reply.pk in started]


def admit(line, addresses, owner=OWNER, ready=None):
    ready = dict.fromkeys([reply.pk for reply in line] if ready is None else ready, Ready("llava-v1.5-7b"))
    return queue.admit(owner, ready, {"llava-v1.5-7b": Candidate.each_once(map(Candidate, addresses))})


def test_the_site_starts_no_more_than_its_limit(line, settings):
    settings.MMCHAT_CONCURRENCY_COUNT = 2
    admission = admit(line, ["http://one"] * 5)
    assert admission.started == [(line[0].pk, "http://one"), (line[1].pk, "http://one")]
    assert admission.positions == {line[2].pk: 1, line[3].pk: 2, line[4].pk: 3}
    assert admit(line, ["http://one"] * 5, ready=[reply.pk for reply in line[2:]]).started == []


def test_a_worker_gets_no_more_than_its_own_limit_and_others_go_elsewhere(line, settings):
    settings.MMCHAT_WORKER_CONCURRENCY = 2
    admission = admit(line, ["http://one", "http://one", "http://one", "http://two"])
    assert in_line(line, admission) == ["http://one", "http://two", "http://one"]
    assert list(admission.positions.values()) == [1, 2]


def test_where_there_is_a_place_for_each_all_start_without_a_look_at_the_line(line):
    with CaptureQueriesContext(connection) as queries:
        assert {reply for reply, _ in admit(line, ["http://one"] * 5).started} == {reply.pk for reply in line}
    assert not [query for query in queries if "visitor_id" in query["sql"]]


def test_what_started_is_stored_as_streaming_with_its_worker_and_time(line, settings):
    admit(line, ["http://one"])
    line[0].refresh_from_db()
    assert (line[0].state, line[0].worker) == (ReplyState.STREAMING, "http://one")
    assert line[0].sent is not None


def test_what_started_when_the_connection_was_lost_is_found_by_the_next_look(line):
    started = [(line[0].pk, "http://one")]
    assert admit(line, ["http://one"]).started == started
    assert admit(line, []).started == started


def test_a_reply_that_is_still_being_checked_is_not_started(line):
    admission = admit(line, ["http://one"] * 5, ready={line[3].pk})
    assert [reply for reply, _ in admission.started] == [line[3].pk]


def test_a_reply_that_was_stopped_while_it_waited_is_not_started(line):
    Message.objects.filter(pk=line[0].pk).update(stop_requested=True)
    assert line[0].pk not in [reply for reply, _ in admit(line, ["http://one"] * 5).started]


def test_with_one_place_another_visitor_is_next_when_a_turn_ends(line, settings):
    settings.MMCHAT_CONCURRENCY_COUNT = 1
    Message.objects.exclude(pk__in=[line[0].pk, line[1].pk, line[2].pk]).filter(role="assistant").delete()
    line[1].conversation.visitor = line[0].conversation.visitor
    line[1].conversation.save()
    three = line[:3]
    assert [reply for reply, _ in admit(three, ["http://one"] * 3).started] == [line[0].pk]
    Message.objects.filter(pk=line[0].pk).update(state=ReplyState.COMPLETE, finished=timezone.now())
    assert queue.places_in_line() == {line[2].pk: 1, line[1].pk: 2}
    assert [reply for reply, _ in admit(three[1:], ["http://one"] * 2).started] == [line[2].pk]


def test_leaving_the_line_is_no_turn(line):
    Message.objects.filter(pk=line[0].pk).update(state=ReplyState.STOPPED, finished=timezone.now())
    line[1].conversation.visitor = line[0].conversation.visitor
    line[1].conversation.save()
    assert min(queue.places_in_line().items(), key=lambda item: item[1])[0] == line[1].pk


ELSEWHERE = uuid.uuid4()


@pytest.fixture
def oldest_elsewhere(line, settings):
    """One place on the site, taken; the oldest of the waiting replies is another process's."""
    settings.MMCHAT_CONCURRENCY_COUNT = 1
    Message.objects.filter(pk=line[0].pk).update(owner=ELSEWHERE)
    runs = make_turn(
        make_conversation(), answer="", state=ReplyState.STREAMING, owner=OWNER, worker="http://x"
    )
    return line[0], runs[1]


def look_from_elsewhere(reply, tried=(), **candidates):
    """Let the other process look, while nothing can start."""
    reply.refresh_from_db()
    workers = {
        "llava-v1.5-7b": Candidate.each_once([Candidate("http://one"), Candidate("http://two")])
    } | candidates
    assert queue.admit(ELSEWHERE, {reply.pk: Ready(reply.model.name, tried)}, workers).started == []


def test_a_place_that_another_process_can_take_is_left_to_it(line, oldest_elsewhere):
    reply, running = oldest_elsewhere
    look_from_elsewhere(reply)
    Message.objects.filter(pk=running.pk).update(state=ReplyState.COMPLETE)
    admission = admit(line, ["http://one"] * 5)
    assert admission.started == []
    assert admission.positions[line[1].pk] == 2


def test_the_turn_of_another_models_reply_in_another_process_is_kept(line, oldest_elsewhere):
    reply, running = oldest_elsewhere
    Message.objects.filter(pk=reply.pk).update(model=make_model("another-model"))
    look_from_elsewhere(reply, **{"another-model": [Candidate("http://three")]})
    Message.objects.filter(pk=running.pk).update(state=ReplyState.COMPLETE)
    assert admit(line, ["http://one"] * 5).started == []


def test_no_place_is_left_to_a_reply_that_its_worker_has_failed_already(line, oldest_elsewhere, settings):
    reply, running = oldest_elsewhere
    settings.MMCHAT_WORKER_CONCURRENCY = 1
    Message.objects.filter(pk=running.pk).update(worker="http://two")
    look_from_elsewhere(reply, tried={"http://one"})
    settings.MMCHAT_CONCURRENCY_COUNT = 2  # so one's place is free, and two's is not
    assert admit(line, ["http://one"] * 5).started == [(line[1].pk, "http://one")]


def test_no_place_is_left_to_a_reply_that_another_process_still_checks(line, settings):
    settings.MMCHAT_CONCURRENCY_COUNT = 1
    Message.objects.filter(pk=line[0].pk).update(owner=ELSEWHERE)
    assert admit(line, ["http://one"] * 5).started == [(line[1].pk, "http://one")]


def test_what_stands_with_a_waiting_reply_is_written_when_it_changes_only(line, oldest_elsewhere):
    reply, _ = oldest_elsewhere
    look_from_elsewhere(reply)
    reply.refresh_from_db()
    assert reply.may_start_at == ["http://one", "http://two"]
    with CaptureQueriesContext(connection) as queries:
        look_from_elsewhere(reply)
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    look_from_elsewhere(reply, tried={"http://one"})
    reply.refresh_from_db()
    assert reply.may_start_at == ["http://two"]


def start_at(line, workers, tried=None):
    tried = {reply.pk: () for reply in line} if tried is None else tried
    ready = {reply: Ready("llava-v1.5-7b", workers) for reply, workers in tried.items()}
    admission = queue.admit(OWNER, ready, {"llava-v1.5-7b": workers})
    return in_line(line, admission)


def test_the_worker_with_the_least_to_do_for_its_speed_is_next(line):
    workers = [Candidate("http://slow", speed=1.0), Candidate("http://fast", speed=3.0)]
    assert start_at(line, workers) == [
        "http://slow",
        "http://fast",
        "http://fast",
        "http://fast",
        "http://slow",
    ]


def test_what_a_worker_said_of_its_own_queue_counts(line):
    workers = [Candidate("http://busy", queue_length=2), Candidate("http://idle")]
    assert start_at(line, workers)[:3] == ["http://idle", "http://idle", "http://busy"]


def test_an_address_that_a_controller_named_once_takes_one_reply(line):
    assert start_at(line, Candidate.each_once([Candidate("http://one")])) == ["http://one"]


def test_a_worker_that_failed_a_reply_does_not_get_it_again(line):
    workers = [Candidate("http://one"), Candidate("http://two")]
    assert start_at(line, workers, {line[0].pk: {"http://one"}}) == ["http://two"]
    assert start_at(line, workers, {line[1].pk: {"http://one", "http://two"}}) == []


def test_the_places_of_the_site_are_known_for_the_estimate_of_the_wait(line, settings):
    settings.MMCHAT_WORKER_CONCURRENCY = 5
    workers = {"llava-v1.5-7b": [Candidate("http://one"), Candidate("http://two")]}
    assert queue.admit(OWNER, {}, workers).places == 10
    settings.MMCHAT_CONCURRENCY_COUNT = 3
    assert queue.admit(OWNER, {}, workers).places == 3


def test_recent_replies_tell_how_long_one_takes(line):
    assert queue.recent_seconds() is None
    now = timezone.now()
    for seconds in (10, 20):
        make_turn(
            make_conversation(), sent=now - datetime.timedelta(seconds=seconds), finished=now, answer="done"
        )
    assert queue.recent_seconds() == pytest.approx(15)
