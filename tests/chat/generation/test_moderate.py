"""Checks of the replies that a process runs, where something goes wrong, and what no switch of the model undoes."""

import uuid

import pytest
from django.contrib.auth.models import User

from chat import events, turns
from chat.generation import records
from chat.generation.context import Context
from chat.generation.moderate import Moderator
from chat.generation.reply import LiveReply
from chat.generation.run import Ending, Run
from chat.models import Message, ModerationEvent, ReviewState
from chat.prompts.turns import Turn
from chat.queue import Candidate
from feedback.review.verdicts import judge
from tests.feedback.stories import answer, ask, make_conversation, make_model

ONE = Candidate("http://127.0.0.1:21002")


class Broken:
    """A database of which what is asked breaks."""

    async def run(self, *asked):
        raise LookupError("something that nobody thought of")


async def test_a_reply_that_can_not_be_checked_is_kept_back_as_one_of_which_a_check_is_down():
    reply = LiveReply(uuid.uuid4(), "streaming", "What it said.", 1)
    run = Run(reply, Context("demo", "", "", [Turn("user", "Hello")], [], {}))
    moderator = Moderator(Broken())
    ending = await moderator.check_reply(run, Ending("stopped"))
    moderator.close()
    assert ending == Ending("failed", "reply_unchecked", "LookupError")
    assert (reply.text, reply.epoch) == ("", 2)
    assert (run.checked.withheld, run.checked.state) == ("What it said.", "stopped")
    [decision] = run.checked.decisions
    assert (decision.outcome, decision.detail) == ("unavailable_refused", "LookupError")


@pytest.mark.django_db
def test_what_a_moderator_upheld_goes_to_no_model_that_has_no_check_either(monkeypatch):
    conversation = make_conversation()
    other = make_model("other", enabled=True)
    monkeypatch.setattr(turns, "_model", lambda name: other)
    question = ask(conversation, "Is this fine?")
    old = answer(question, "", state="failed", error_code="message_held")
    ModerationEvent.objects.create(message=question, outcome="held", check_name="words")

    def again():
        frame = events.Regenerate(client_id=uuid.uuid4(), message=old.pk, model="other")
        turn = turns.start_variant(
            conversation.visitor_id, frame, uuid.uuid4(), lambda: {"other": [ONE]}, limited=False
        )
        Message.objects.filter(pk=turn.reply).update(state="stopped")
        return turn, records.to_check(turn.reply, "other")

    turn, wanted = again()
    assert (turn.worker, wanted.is_refused) == (ONE, False), "no check is for the other model"
    judge(ModerationEvent.objects.all(), ReviewState.UPHELD, User.objects.create_user("moderator"))
    turn, wanted = again()
    assert (turn.worker, wanted.is_refused) == (None, True)
