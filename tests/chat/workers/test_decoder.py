"""Frames come out the same however the body is cut."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.workers.decoders import NulDecoder
from chat.workers.errors import WorkerBrokeOff, WorkerError, WorkerOversized

from .conftest import STREAMS, frame, recorded

ALL = sorted(path.name for path in STREAMS.glob("*.bin"))


def outcome(*pieces, **options):
    """Return the last frame and the code of the error, whichever there are."""
    decoder = NulDecoder(**options)
    newest = None
    try:
        for piece in pieces:
            decoder.feed(piece)
            newest = decoder.newest() or newest
        return decoder.finish() or newest, None
    except WorkerError as error:
        return decoder.newest() or newest, error.code


@pytest.mark.parametrize("name", ALL)
def test_a_recorded_body_cut_at_any_offset_gives_the_same_last_frame(name):
    body = recorded(name)
    whole = outcome(body)

    assert {outcome(body[:cut], body[cut:]) for cut in range(len(body) + 1)} == {whole}
    assert outcome(*(body[i : i + 1] for i in range(len(body)))) == whole
    assert whole[0] is not None


@given(
    st.lists(st.binary(max_size=6), max_size=8),
    st.binary(max_size=4).filter(lambda rest: b"\0" not in rest),
    st.lists(st.integers(0, 60), max_size=6),
    st.integers(1, 8),
)
def test_any_body_cut_anywhere_has_one_outcome(frames, rest, cuts, limit):
    body = b"".join(frame + b"\0" for frame in frames) + rest
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]

    pieces = [body[start:end] for start, end in itertools.pairwise(edges)]

    assert outcome(*pieces, max_frame=limit) == outcome(body, max_frame=limit)
    full = [piece for piece in body.split(b"\0")[:-1] if piece]
    if max(map(len, [*full, rest]), default=0) <= limit:
        assert outcome(*pieces, max_frame=limit)[0] == (full[-1] if full else None)


def test_older_frames_are_dropped():
    decoder = NulDecoder()

    assert decoder.feed(b"a\0b\0c\0d")
    assert decoder.newest() == b"c"
    assert decoder.newest() is None
    assert not decoder.feed(b"e")
    assert decoder.feed(b"\0")
    assert decoder.newest() == b"de"


def test_the_frame_before_the_newest_can_still_be_had_unless_it_was_taken():
    decoder = NulDecoder()
    decoder.feed(b"a\0b\0")

    assert (decoder.newest(), decoder.previous()) == (b"b", b"a")

    decoder.feed(b"c\0")

    assert (decoder.newest(), decoder.previous()) == (b"c", None)


def test_an_unfinished_frame_is_a_break_that_leaves_the_frame_before_it():
    decoder = NulDecoder()
    decoder.feed(b"a\0b")

    with pytest.raises(WorkerBrokeOff):
        decoder.finish()

    assert decoder.newest() == b"a"


def test_white_space_after_the_last_frame_is_no_break():
    decoder = NulDecoder()
    decoder.feed(b"a\0\r\n")

    assert decoder.finish() == b"a"


def test_a_body_without_a_nul_is_refused_at_the_limit():
    decoder = NulDecoder(max_frame=1_000_000)
    decoder.feed(b"a\0")
    piece = b"x" * 65536
    fed = 0

    while fed + len(piece) <= 1_000_000:
        assert not decoder.feed(piece)
        fed += len(piece)
    with pytest.raises(WorkerOversized):
        decoder.feed(piece)
    assert decoder.newest() == b"a"


def test_a_large_frame_fed_byte_by_byte_is_not_searched_again():
    body = frame("x" * 1_000_000)
    decoder = NulDecoder()

    for i in range(len(body)):
        decoder.feed(body[i : i + 1])

    assert json.loads(decoder.finish()) == {"text": "x" * 1_000_000, "error_code": 0}
