"""A follower that applies what `after` gives holds exactly the reply's text, whatever it missed."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from chat.generation.reply import LiveReply
from chat.models import ReplyState

ID = uuid.UUID(int=1)
TEXTS = st.lists(st.text(alphabet=" \nab漢😀", max_size=12), max_size=12)


def apply(held, reply):
    missing = reply.after(held[0], len(held[1]))
    if missing is None:
        return held
    return (reply.epoch, missing.text) if missing.whole else (held[0], held[1] + missing.text)


@given(cumulative=TEXTS, looks=st.sets(st.integers(0, 12)))
def test_a_follower_that_looks_at_any_moments_ends_with_the_text(cumulative, looks):
    reply = LiveReply(ID)
    held = (0, "")
    for step, text in enumerate(cumulative):
        reply.show(text)
        if step in looks:
            held = apply(held, reply)
            assert held == (reply.epoch, reply.text)
    held = apply(held, reply)
    assert held == (reply.epoch, reply.text)
    assert reply.after(held[0], len(held[1])) is None


@given(cumulative=TEXTS)
def test_inside_an_epoch_text_only_grows(cumulative):
    reply = LiveReply(ID)
    seen = {}
    for text in cumulative:
        reply.show(text)
        assert reply.text.startswith(seen.get(reply.epoch, ""))
        seen[reply.epoch] = reply.text


def test_white_space_at_the_ends_is_never_shown_and_needs_no_new_epoch():
    reply = LiveReply(ID)
    shown = []
    for text in (" ", " one", " one ", " one \n", " one \ntwo", " one \ntwo\n"):
        reply.show(text)
        shown.append(reply.text)
    assert shown == ["", "one", "one", "one", "one \ntwo", "one \ntwo"]
    assert reply.epoch == 0


def test_text_taken_back_comes_whole_under_a_new_epoch():
    reply = LiveReply(ID)
    reply.show("one two###")
    reply.show("one two")
    assert reply.after(0, 10) == ("one two", True)


def test_a_follower_ahead_of_the_database_keeps_what_it_has_while_the_reply_runs():
    reply = LiveReply(ID, ReplyState.STREAMING, "one")
    assert reply.after(0, 7) is None
    reply.set_text("one two three", 0)
    assert reply.after(0, 7) == (" three", False)


def test_a_follower_ahead_of_an_interrupted_reply_is_set_back_to_what_is_stored():
    reply = LiveReply(ID, ReplyState.STREAMING, "one")
    reply.set_state(ReplyState.INTERRUPTED, "interrupted")
    assert reply.after(0, 7) == ("one", True)


def test_followers_are_woken_by_each_change_and_by_nothing_else():
    reply = LiveReply(ID)
    calls = []
    reply.followers.add(lambda: calls.append(1))
    reply.show("a")
    reply.show("a ")
    reply.set_position(2)
    reply.set_position(2)
    reply.set_state(ReplyState.STREAMING)
    assert len(calls) == 3
