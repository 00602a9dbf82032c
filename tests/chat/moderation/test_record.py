"""Storing what a check said."""

import pytest

from chat.models import ModerationEvent
from chat.moderation import Verdict, check_text, record
from tests.chat.moderation.conftest import send
from tests.feedback.stories import ask, make_conversation

pytestmark = pytest.mark.django_db


def test_a_refusal_is_stored_with_what_was_found(service):
    message = ask(make_conversation(), "Let us attack")
    record(message, check_text(message.text))
    event = ModerationEvent.objects.get()
    assert (event.message, event.outcome) == (message, ModerationEvent.Outcome.REFUSED)
    assert event.categories == ["violence", "violence/graphic"]
    assert event.scores == {"violence": 0.98, "hate": 0.02}


def test_an_unavailable_service_is_stored_with_its_reason(service):
    service.answer = lambda handler, body: send(handler, 503, b"")
    message = ask(make_conversation(), "Hello")
    event = record(message, check_text(message.text))
    event.refresh_from_db()
    assert (event.outcome, event.detail) == (ModerationEvent.Outcome.UNAVAILABLE_REFUSED, "HTTP 503")


def test_an_allowed_message_leaves_no_event():
    assert record(ask(make_conversation(), "Hello"), Verdict(allowed=True)) is None
    assert not ModerationEvent.objects.exists()
