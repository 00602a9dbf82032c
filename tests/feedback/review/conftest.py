import datetime

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from chat.models import ModerationEvent, WithheldReply
from feedback.models import Flag
from tests.feedback.stories import answer, ask, exchange, make_conversation, make_visitor


@pytest.fixture
def moderator(db):
    return User.objects.create_user("moderator")


@pytest.fixture
def colleague(db):
    return User.objects.create_user("colleague")


def flagged(reason="harmful", age=0, reply=None, **fields):
    """Make a reply with an open flag, `age` days old."""
    reply = reply or exchange(make_conversation(**fields))
    said = Flag.objects.create(visitor=make_visitor(), message=reply, reason=reason)
    Flag.objects.filter(pk=said.pk).update(created=timezone.now() - datetime.timedelta(days=age))
    return reply


def withheld(text="What it said."):
    """Make a reply that a check keeps back."""
    question = ask(make_conversation(), "How do I …?")
    reply = answer(question, "", state="failed", error_code="reply_held")
    WithheldReply.objects.create(message=reply, text=text, state="complete")
    ModerationEvent.objects.create(message=reply, check_name="words", outcome="held", stage="reply")
    return reply


def held(outcome="refused", age=0, **fields):
    """Make a visitor's message that a check held back."""
    question = ask(make_conversation(**fields), "How do I …?")
    answer(question, "", error_code="moderation_flagged")
    event = ModerationEvent.objects.create(message=question, check_name="moderations", outcome=outcome)
    ModerationEvent.objects.filter(pk=event.pk).update(created=timezone.now() - datetime.timedelta(days=age))
    return question
