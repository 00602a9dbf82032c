"""Messages that are stored at the very moment in which consent is taken back or everything is deleted."""

import contextlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from chat.consent import allow_research
from chat.deletion import delete_conversation, delete_everything
from chat.kept import Kept
from chat.models import Conversation, Message, SiteText
from chat.refusals import Refused
from tests.chat.factories import make_conversation, make_model, make_turn, make_visitor
from tests.chat.test_turns import send, start

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS, AT_ONCE = 5, 4


def at_once(*calls):
    barrier = Barrier(len(calls))

    def run(call):
        barrier.wait(10)
        try:
            with contextlib.suppress(Refused):
                return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.fixture
def model():
    return make_model()


def test_no_conversation_is_left_allowed_when_consent_is_taken_back(model):
    SiteText.objects.update_or_create(defaults={"offers_research": True})
    for _ in range(ROUNDS):
        visitor = make_visitor()
        allow_research(visitor.key, None, True)
        Kept.forget_all()
        begin = [lambda: start(visitor.key, send(model))] * AT_ONCE  # noqa: B023
        at_once(*begin, lambda: allow_research(visitor.key, None, False))  # noqa: B023
        assert not Conversation.objects.allowed_for_research().filter(visitor=visitor).exists()


def test_the_first_messages_of_a_visitor_may_come_at_once(model):
    for _ in range(ROUNDS):
        key = uuid.uuid4()
        begin = [lambda: start(key, send(model, client_id=uuid.uuid4()))] * AT_ONCE  # noqa: B023
        begun = at_once(*begin)
        assert len({turn.conversation for turn in begun}) == AT_ONCE
        assert Conversation.objects.filter(visitor=key).count() == AT_ONCE


def test_no_conversation_survives_that_everything_is_deleted(model):
    for _ in range(ROUNDS):
        visitor = make_visitor()
        own = make_conversation(visitor, model)
        begin = [lambda: start(visitor.key, send(model))] * AT_ONCE  # noqa: B023
        into = [lambda: start(visitor.key, send(model, conversation=own.pk))]  # noqa: B023
        at_once(*begin, *into, lambda: delete_everything(visitor.key))  # noqa: B023
        assert not Conversation.objects.visible().filter(visitor=visitor).exists()
        running = Message.objects.live().filter(conversation__visitor=visitor)
        assert not running.filter(stop_requested=False).exists()


def test_no_reply_goes_on_in_a_conversation_that_is_deleted(model):
    for _ in range(ROUNDS):
        visitor = make_visitor()
        conversation = make_conversation(visitor, model)
        make_turn(conversation)
        frames = [send(model, conversation=conversation.pk, client_id=uuid.uuid4()) for _ in range(2)]
        calls = [lambda frame=frame: start(visitor.key, frame) for frame in frames]  # noqa: B023
        at_once(*calls, lambda: delete_conversation(visitor.key, conversation.pk))  # noqa: B023
        assert not Message.objects.live().filter(conversation=conversation, stop_requested=False).exists()
