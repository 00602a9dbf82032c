import datetime

import pytest

from feedback.dashboard import hours, page, periods
from tests.feedback.stories import answer, ask, make_conversation, make_model

NOW = datetime.datetime(2026, 11, 26, 12, 30, tzinfo=datetime.UTC)


def at(hour, minute=0, *, days_ago=0, second=0, millisecond=0):
    """Give a moment of the day of NOW, or of one before it."""
    return datetime.datetime(
        2026, 11, 26, hour, minute, second, millisecond * 1000, tzinfo=datetime.UTC
    ) - datetime.timedelta(days=days_ago)


@pytest.fixture
def clock(monkeypatch):
    """Let it be NOW, or whatever is put into the list."""
    now = [NOW]
    for module in (hours, page, periods):
        monkeypatch.setattr(module.timezone, "now", lambda: now[0])
    return now


def replied(finished, *, began=None, model="one", text="A" * 100, first=1.0, took=3.0, **fields):
    """Store a reply that ended at a moment, in a conversation that began with it or at `began`.

    It took `took` seconds, its first token came after `first`; None for none.
    """
    sent = finished - datetime.timedelta(seconds=took)
    conversation = make_conversation(
        model=make_model(model), created=began or sent, source=fields.pop("source", "")
    )
    return answer(
        ask(conversation, "?"),
        text,
        sent=sent,
        first_answered=None if first is None else sent + datetime.timedelta(seconds=first),
        finished=finished,
        **fields,
    )
