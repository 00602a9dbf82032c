"""What becomes of what was kept back when moderators decide, and when they take that back."""

import pytest
from django.contrib.auth.models import User

from chat.models import Message, ModerationEvent, ReviewState, Stage, WithheldReply
from chat.moderation.standing import withhold
from chat.moderation.stored import judged
from feedback.review.verdicts import judge
from tests.feedback.stories import answer, ask, make_conversation

pytestmark = pytest.mark.django_db
UPHELD, DISMISSED, OPEN = ReviewState.UPHELD, ReviewState.DISMISSED, ReviewState.OPEN


def event(message, outcome="held", stage=Stage.MESSAGE, check="words", **fields):
    return ModerationEvent.objects.create(
        message=message, outcome=outcome, stage=stage, check_name=check, **fields
    )


@pytest.fixture
def moderator():
    return User.objects.create_user("moderator")


@pytest.fixture
def question():
    return ask(make_conversation(), "Is this fine?")


def kept_back(question, code):
    return answer(question, "", state="failed", error_code=code)


def decide(moderator, state, events=None):
    judge(events or ModerationEvent.objects.all(), state, moderator)


@pytest.mark.parametrize(("outcome", "code"), [("held", "message_held"), ("refused", "moderation_flagged")])
def test_a_message_is_let_through_refused_and_open_again(question, moderator, outcome, code):
    event(question, outcome)
    reply = kept_back(question, code)
    for state, then, known in (
        (DISMISSED, "message_passed", (False, {"words"})),
        (OPEN, code, (False, set())),
        (UPHELD, "moderation_flagged", (True, set())),
        (OPEN, code, (False, set())),
    ):
        decide(moderator, state)
        reply.refresh_from_db()
        assert (reply.state, reply.error_code) == ("failed", then)
        assert judged(question.pk) == known


def test_a_reply_that_came_since_stays_as_it_is(question, moderator):
    event(question)
    kept_back(question, "message_held")
    other = answer(question, "Yes.", variant=1)
    failed = answer(question, "", variant=2, state="failed", error_code="worker_busy")
    decide(moderator, UPHELD)
    for reply, code in ((other, ""), (failed, "worker_busy")):
        reply.refresh_from_db()
        assert reply.error_code == code


def test_of_several_checks_all_must_be_dismissed(question, moderator):
    first, second = event(question), event(question, check="service")
    reply = kept_back(question, "message_held")
    decide(moderator, DISMISSED, ModerationEvent.objects.filter(pk=first.pk))
    reply.refresh_from_db()
    assert reply.error_code == "message_held"
    assert judged(question.pk) == (False, {"words"})
    decide(moderator, DISMISSED, ModerationEvent.objects.filter(pk=second.pk))
    reply.refresh_from_db()
    assert reply.error_code == "message_passed"


def test_dry_runs_and_warnings_stand_for_nothing(question, moderator):
    event(question, "refused", dry_run=True)
    event(question, "warned", check="other")
    decide(moderator, UPHELD)
    assert judged(question.pk) == (False, set())


def withheld(question, outcome, code):
    reply = answer(question, "", state="failed", error_code=code)
    withhold(reply.pk, "What it said.", "stopped", "")
    event(reply, outcome, Stage.REPLY)
    return reply


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("held", "reply_held"), ("refused", "reply_refused"), ("unavailable_refused", "reply_unchecked")],
)
def test_a_reply_comes_back_as_it_had_ended_and_goes_again(question, moderator, outcome, code):
    reply = withheld(question, outcome, code)
    decide(moderator, DISMISSED)
    shown = Message.objects.get(pk=reply.pk)
    assert (shown.text, shown.state, shown.error_code) == ("What it said.", "stopped", "")
    assert shown.epoch == reply.epoch + 1, "a page that has the reply would not notice"
    assert not WithheldReply.objects.exists()
    decide(moderator, OPEN)
    again = Message.objects.get(pk=reply.pk)
    assert (again.text, again.state, again.error_code) == ("", "failed", code)
    assert again.epoch == reply.epoch + 2
    assert WithheldReply.objects.get().text == "What it said."


def test_a_reply_of_which_it_is_upheld_is_refused_for_good(question, moderator):
    reply = withheld(question, "held", "reply_held")
    decide(moderator, UPHELD)
    reply.refresh_from_db()
    assert (reply.text, reply.error_code) == ("", "reply_refused")
    decide(moderator, DISMISSED)
    reply.refresh_from_db()
    assert (reply.text, reply.state) == ("What it said.", "stopped")
