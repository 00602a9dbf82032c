"""Feedback that comes at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from feedback.flags import flag
from feedback.models import Flag, Vote, VoteChange
from feedback.votes import set_vote
from tests.feedback.stories import exchange, make_conversation, make_visitor

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 8


def at_once(work, arguments):
    """Run `work` once for each argument, all of them let go together."""
    barrier = Barrier(len(arguments))

    def run(argument):
        barrier.wait(10)
        try:
            return work(argument)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


@pytest.fixture
def own_reply():
    return exchange(make_conversation(make_visitor()))


def test_first_votes_at_once_make_one_vote(own_reply):
    key = own_reply.conversation.visitor_id
    at_once(lambda value: set_vote(key, own_reply.pk, value), ["up"] * AT_ONCE)
    assert Vote.objects.get().value == "up"
    assert not VoteChange.objects.exists()


def test_changes_at_once_each_keep_what_they_found(own_reply):
    key = own_reply.conversation.visitor_id
    comments = [str(number) for number in range(AT_ONCE)]
    at_once(lambda comment: set_vote(key, own_reply.pk, "up", [], comment), comments)
    last = Vote.objects.get().comment
    assert sorted([last, *VoteChange.objects.values_list("comment", flat=True)]) == comments


def test_flags_at_once_make_one_flag(own_reply):
    key = own_reply.conversation.visitor_id
    at_once(lambda reason: flag(key, own_reply.pk, reason), ["other", "harmful"] * (AT_ONCE // 2))
    assert Flag.objects.get().reason in ("other", "harmful")
