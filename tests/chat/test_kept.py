"""What every message reads is read once in a moment, not once a message."""

import pytest

from chat import kept


def test_a_value_is_read_again_after_its_time(monkeypatch):
    now, reads = [100.0], []
    monkeypatch.setattr(kept.time, "monotonic", lambda: now[0])
    value = kept.Kept(lambda: reads.append(1) or len(reads))
    assert [value(), value()] == [1, 1]
    now[0] += kept.SECONDS
    assert value() == 2


def test_a_read_that_fails_is_tried_again():
    answers = iter([OSError("away"), "there"])

    def read():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    value = kept.Kept(read)
    with pytest.raises(OSError, match="away"):
        value()
    assert value() == "there"


def test_everything_can_be_forgotten_at_once():
    reads = []
    value = kept.Kept(lambda: reads.append(1))
    value()
    kept.Kept.forget_all()
    value()
    assert len(reads) == 2
