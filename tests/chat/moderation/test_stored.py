"""Which checks there are, and storing what they decided."""

import pytest
from django.db import OperationalError

from chat.models import CheckThreshold, ModerationEvent, ReviewState, Stage
from chat.moderation.checks import Subject
from chat.moderation.pipeline import run
from chat.moderation.stored import checks_for, record
from chat.moderation.verdicts import Decision
from tests.chat.moderation.conftest import make_check, send
from tests.feedback.stories import ask, make_conversation, make_model

pytestmark = pytest.mark.django_db
Outcome = ModerationEvent.Outcome


def names(stage=Stage.MESSAGE, model=None):
    return [check.row.name for check in checks_for(stage, model)]


def decided(text):
    return run(checks_for(Stage.MESSAGE), Subject(Stage.MESSAGE, text)).decisions


def test_the_check_of_the_settings_comes_first_and_others_by_their_position(settings):
    make_check("last", position=9)
    make_check("first", position=1)
    make_check("off", position=0, enabled=False)
    assert names() == ["first", "last"]
    settings.MMCHAT_MODERATE = True
    assert names() == ["moderations", "first", "last"]


def test_a_check_is_for_its_stage_and_its_models():
    one = make_model("one")
    make_check("messages")
    make_check("replies", on_messages=False, on_replies=True)
    make_check("of one", on_replies=True).for_models.add(one)
    assert names(model="one") == ["messages", "of one"]
    assert names(model="another") == ["messages"]
    assert names(Stage.REPLY, "one") == ["replies", "of one"]
    assert names(Stage.REPLY, "another") == ["replies"]


def test_while_the_database_is_away_the_checks_that_were_read_last_go_on(monkeypatch):
    make_check("words")
    assert names() == ["words"]

    def away(*arguments, **named):
        raise OperationalError("gone")

    monkeypatch.setattr("chat.kept.SECONDS", 0)
    monkeypatch.setattr("chat.moderation.stored.ModerationCheck.objects.filter", away)
    assert names() == ["words"]


def test_a_refusal_is_stored_with_what_was_found(service, settings):
    settings.MMCHAT_MODERATE = True
    message = ask(make_conversation(), "Let us attack")
    record(message.pk, decided(message.text))
    event = ModerationEvent.objects.get()
    assert (event.message, event.outcome, event.stage) == (message, Outcome.REFUSED, "message")
    assert event.categories == ["violence", "violence/graphic"]
    assert event.scores == {"violence": 0.98, "hate": 0.02}
    assert event.seconds > 0


def test_an_unavailable_service_is_stored_with_its_reason(service, settings):
    settings.MMCHAT_MODERATE = True
    service.answer = lambda handler, body: send(handler, 503, b"")
    message = ask(make_conversation(), "Hello")
    [event] = record(message.pk, decided(message.text))
    event.refresh_from_db()
    assert (event.outcome, event.detail) == (Outcome.UNAVAILABLE_REFUSED, "HTTP 503")


def test_what_passed_is_stored_with_its_scores_and_left_out_without_any(service, settings):
    settings.MMCHAT_MODERATE = True
    make_check("words", words="attack")
    message = ask(make_conversation(), "Hello")
    record(message.pk, decided(message.text))
    event = ModerationEvent.objects.get()
    assert (event.check_name, event.outcome, event.scores["hate"]) == ("moderations", Outcome.ALLOWED, 0.02)
    assert not ModerationEvent.objects.awaiting_review().exists()


def test_what_waits_for_a_moderator_already_is_not_stored_again():
    message = ask(make_conversation(), "Hello")
    held = Decision("words", Stage.MESSAGE, Outcome.HELD, ("hello",))
    record(message.pk, [held])
    record(message.pk, [held])
    assert ModerationEvent.objects.count() == 1
    ModerationEvent.objects.update(state=ReviewState.DISMISSED)
    record(message.pk, [held])
    assert ModerationEvent.objects.count() == 2


def test_a_dry_run_is_stored_and_waits_for_nobody():
    make_check("words", words="hello", dry_run=True)
    message = ask(make_conversation(), "Hello")
    record(message.pk, decided(message.text))
    event = ModerationEvent.objects.get()
    assert (event.dry_run, event.outcome) == (True, Outcome.REFUSED)
    assert not ModerationEvent.objects.awaiting_review().exists()


def test_thresholds_come_with_their_check():
    check = make_check("words", words="hello")
    CheckThreshold.objects.create(moderation_check=check, category="hello", outcome="warned")
    [found] = decided("Hello there")
    assert found.outcome == Outcome.WARNED
