"""Who starts next: limits hold over all processes, and visitors take turns."""

import uuid

import pytest

from chat import queue
from chat.models import Message, ReplyState
from chat.queue import Waiting, in_turns
from tests.chat.factories import make_conversation, make_model, make_turn, make_visitor

OWNER = uuid.uuid4()
A, B = uuid.uuid4(), uuid.uuid4()


def waiting(visitor, number):
    return Waiting(uuid.UUID(int=number), visitor, "model", OWNER)


def test_a_visitors_ten_tabs_do_not_go_before_anothers_first():
    line = [waiting(A, 1), waiting(A, 2), waiting(A, 3), waiting(B, 4)]
    assert [item.reply.int for item in in_turns(line, {})] == [1, 4, 2, 3]


def test_replies_that_run_already_count_as_turns():
    line = [waiting(A, 1), waiting(B, 2)]
    assert [item.reply.int for item in in_turns(line, {A: 1})] == [2, 1]


@pytest.fixture
def line(db):
    """Five replies of five visitors that wait for one model."""
    model = make_model("llava-v1.5-7b")
    replies = []
    for _ in range(5):
        conversation = make_conversation(make_visitor(), model)
        replies.append(make_turn(conversation, answer="", state=ReplyState.QUEUED, owner=OWNER)[1])
    return replies


def admit(line, addresses, owner=OWNER, ready=None):
    ready = {reply.pk for reply in line} if ready is None else ready
    return queue.admit(owner, ready, {"llava-v1.5-7b": addresses})


def test_the_site_starts_no_more_than_its_limit(line, settings):
    settings.MMCHAT_CONCURRENCY_COUNT = 2
    admission = admit(line, ["http://one"] * 5)
    assert admission.started == [(line[0].pk, "http://one"), (line[1].pk, "http://one")]
    assert admission.positions == {line[2].pk: 1, line[3].pk: 2, line[4].pk: 3}
    assert admit(line, ["http://one"] * 5).started == []


def test_a_worker_gets_no_more_than_its_own_limit_and_others_go_elsewhere(line, settings):
    settings.MMCHAT_WORKER_CONCURRENCY = 2
    admission = admit(line, ["http://one", "http://one", "http://one", "http://two"])
    assert [address for _, address in admission.started] == ["http://one", "http://one", "http://two"]
    assert list(admission.positions.values()) == [1, 2]


def test_what_started_is_stored_as_streaming_with_its_worker_and_time(line, settings):
    admit(line, ["http://one"])
    line[0].refresh_from_db()
    assert (line[0].state, line[0].worker) == (ReplyState.STREAMING, "http://one")
    assert line[0].sent is not None


def test_a_reply_that_is_still_being_checked_is_not_started(line):
    admission = admit(line, ["http://one"] * 5, ready={line[3].pk})
    assert [reply for reply, _ in admission.started] == [line[3].pk]


def test_a_reply_that_was_stopped_while_it_waited_is_not_started(line):
    Message.objects.filter(pk=line[0].pk).update(stop_requested=True)
    assert line[0].pk not in [reply for reply, _ in admit(line, ["http://one"] * 5).started]


def test_a_place_that_another_process_can_take_is_left_to_it(line, settings):
    settings.MMCHAT_CONCURRENCY_COUNT = 1
    Message.objects.filter(pk=line[0].pk).update(owner=uuid.uuid4())
    admission = admit(line, ["http://one"] * 5)
    assert admission.started == []
    assert admission.positions[line[1].pk] == 2
