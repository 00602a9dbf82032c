"""A change of feedback reaches the visitor's other tabs."""

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.urls import reverse

from chat import followers
from feedback.summaries import opinions
from tests.feedback.stories import exchange, make_conversation, make_visitor


def test_followers_of_the_conversation_hear_of_votes_and_flags(tab, reply):
    layer = get_channel_layer()
    async_to_sync(followers.join)(reply.conversation_id, "a.tab")
    for name, data, vote, flagged in (
        ("vote", {"value": "up"}, "up", False),
        ("flag", {"reason": "other"}, "up", True),
        ("vote", {"value": None}, None, True),
    ):
        tab.post(reverse(f"feedback:{name}", args=[reply.pk]), data, content_type="application/json")
        heard = async_to_sync(layer.receive)("a.tab")
        assert (heard["message"], heard["vote"], heard["flagged"]) == (str(reply.pk), vote, flagged)


def test_opinions_are_the_visitors_own(tab, reply, visitor):
    tab.post(reverse("feedback:vote", args=[reply.pk]), {"value": "down"}, content_type="application/json")
    other = exchange(make_conversation(visitor))
    assert opinions(visitor.key, [reply.pk, other.pk]) == {
        reply.pk: ("down", False),
        other.pk: (None, False),
    }
    assert opinions(make_visitor().key, [reply.pk]) == {reply.pk: (None, False)}
