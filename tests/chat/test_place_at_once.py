"""A reply that nobody waits before starts as it is stored, without standing in line."""

import asyncio
import threading
import time
import uuid

import pytest
from django.db import connection, transaction

from chat import events, queue, turns
from chat.database import DatabaseThread
from chat.generation.breakers import Breakers
from chat.generation.dispatch import _Places
from chat.generation.waiting import WaitingLine
from chat.models import Message, ReplyState
from chat.queue import Candidate
from tests.chat.factories import make_conversation, make_model, make_turn
from tests.chat.test_own_data_races import at_once

OWNER, ELSEWHERE = uuid.uuid4(), uuid.uuid4()
ONE, TWO = Candidate("http://one"), Candidate("http://two")


@pytest.fixture
def model(db):
    return make_model()


def ask(model, *workers, visitor=None):
    frame = events.Send(client_id=uuid.uuid4(), model=model.name, text="hello")
    return turns.start(visitor or uuid.uuid4(), None, frame, OWNER, lambda: {model.name: workers})


def stored(turn):
    reply = Message.objects.get(pk=turn.reply)
    return reply.state, reply.worker, reply.sent is not None


def runs(model, worker):
    make_turn(
        make_conversation(model=model), answer="", state=ReplyState.STREAMING, owner=ELSEWHERE, worker=worker
    )


def test_it_is_stored_as_streaming_at_its_worker(model):
    turn = ask(model, ONE)
    assert (turn.worker, turn.messages[-1].state) == (ONE, "streaming")
    assert stored(turn) == ("streaming", "http://one", True)


def test_it_goes_to_the_worker_with_the_least_to_do(model):
    runs(model, "http://one")
    assert ask(model, ONE, TWO).worker == TWO


def test_without_a_worker_at_hand_it_joins_the_line(model):
    turn = ask(model)
    assert (turn.worker, turn.messages[-1].state) == (None, "queued")
    assert stored(turn) == ("queued", "", False)


@pytest.mark.parametrize("owner", [OWNER, ELSEWHERE, None])
def test_it_does_not_go_before_one_that_waits(model, owner):
    make_turn(make_conversation(model=model), answer="", state=ReplyState.QUEUED, owner=owner)
    assert stored(ask(model, ONE)) == ("queued", "", False)


def test_the_limit_of_the_site_holds(model, settings):
    settings.MMCHAT_CONCURRENCY_COUNT = 2
    assert [ask(model, ONE).worker for _ in range(3)] == [ONE, ONE, None]


def test_a_workers_own_limit_holds_over_all_processes(model, settings):
    settings.MMCHAT_WORKER_CONCURRENCY = 1
    runs(model, "http://one")
    assert ask(model, ONE).worker is None


def test_a_variant_starts_at_once_too(model):
    conversation = make_conversation(model=model)
    _, reply = make_turn(conversation)
    frame = events.Regenerate(client_id=uuid.uuid4(), message=reply.pk)
    turn = turns.start_variant(conversation.visitor_id, frame, OWNER, lambda: {model.name: [ONE]})
    assert stored(turn) == ("streaming", "http://one", True)


def test_the_same_message_sent_again_takes_no_second_place(model):
    visitor, frame = uuid.uuid4(), events.Send(client_id=uuid.uuid4(), model=model.name, text="hello")
    both = [turns.start(visitor, None, frame, OWNER, lambda: {model.name: [ONE]}) for _ in range(2)]
    assert [turn.fresh for turn in both] == [True, False]
    assert Message.objects.live().count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_limit_of_the_site_holds_for_messages_that_come_at_once(settings):
    settings.MMCHAT_CONCURRENCY_COUNT = 3
    model = make_model()
    for _ in range(5):
        at_once(*[lambda: ask(model, ONE, TWO)] * 6)
        live = Message.objects.live()
        assert live.count() == 6
        assert live.filter(state=ReplyState.STREAMING).count() <= 3
        Message.objects.all().delete()


@pytest.mark.django_db(transaction=True)
async def test_what_waited_for_the_database_takes_no_place_in_a_process_that_ends_meanwhile():
    visitors, away = DatabaseThread("test"), threading.Event()
    model = await visitors.run(make_model)
    line = WaitingLine(OWNER, None, Breakers(lambda breaker: None))
    line._dispatcher._places = _Places({model.name: [ONE]}, {})
    line._dispatcher._read_at = time.monotonic() + 60
    assert line.workers_at_hand() == {model.name: [ONE]}
    try:
        before = asyncio.create_task(visitors.run(away.wait, 20))
        frame = events.Send(client_id=uuid.uuid4(), model=model.name, text="hello")
        start = visitors.run(turns.start, uuid.uuid4(), None, frame, OWNER, line.workers_at_hand)
        sending = asyncio.create_task(start)
        await asyncio.sleep(0)
        line.hand_over()
        away.set()
        await before
        assert (await sending).worker is None
    finally:
        away.set()
        await visitors.close()


@pytest.mark.django_db(transaction=True)
def test_while_another_process_gives_out_places_it_joins_the_line():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer, so nobody else can be at it")
    model = make_model()
    held, leave = threading.Event(), threading.Event()

    def give_out_places():
        with transaction.atomic():
            queue._lock("pg_advisory_xact_lock")
            held.set()
            leave.wait(20)
        connection.close()

    other = threading.Thread(target=give_out_places)
    other.start()
    try:
        assert held.wait(20)
        assert ask(model, ONE).worker is None
    finally:
        leave.set()
        other.join()
    Message.objects.all().delete()
    assert ask(model, ONE).worker == ONE


def test_a_reply_that_goes_on_starts_only_where_that_is_possible(model):
    server = ONE._replace(protocol="openai")
    turn = ask(model, server)
    assert turn.worker == server
    Message.objects.filter(pk=turn.reply).update(state="stopped", text="Half of")
    frame = events.Continue(client_id=uuid.uuid4(), message=turn.reply)
    visitor = Message.objects.get(pk=turn.reply).conversation.visitor_id
    again = turns.start_variant(visitor, frame, OWNER, lambda: {model.name: [server, TWO]})
    assert again.worker == TWO
