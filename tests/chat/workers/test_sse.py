"""Server-sent events come out the same however the body is cut, and are read as deltas."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.prompts.thinking import answer_in
from chat.workers.decoders import SseDecoder
from chat.workers.errors import (
    WorkerBadJson,
    WorkerBadUtf8,
    WorkerBrokeOff,
    WorkerBusy,
    WorkerContextTooLong,
    WorkerError,
    WorkerFiltered,
    WorkerOversized,
    WorkerReportedError,
)
from chat.workers.protocols.openai import DeltaReader
from tests.openai_double import DONE, delta, event, spoken, usage

from .conftest import STREAMS, recorded

RECORDED = sorted(path.name for path in STREAMS.glob("*.sse"))


def events(*pieces, **options):
    decoder = SseDecoder(**options)
    for piece in pieces:
        decoder.feed(piece)
    return decoder.events, decoder.finish()


def read(*pieces):
    """Give the last chunk and the code of the error, whichever there are, as a relay would."""
    reader, last = DeltaReader(), None
    try:
        for piece in pieces:
            reader.feed(piece)
            last = reader.newest() or last
        return reader.finish() or last, None
    except WorkerError as error:
        return reader.previous() or last, error.code


def text_of(*pieces):
    chunk, code = read(*pieces)
    assert code is None, code
    return chunk.text


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_body_cut_at_any_offset_gives_the_same_reply(name):
    body = recorded(name)
    whole = read(body)
    assert whole[0].text
    assert all(read(body[:cut], body[cut:]) == whole for cut in range(len(body) + 1))
    assert read(*(body[at : at + 1] for at in range(len(body)))) == whole


def test_what_was_recorded_of_a_real_server_is_read_with_its_counts():
    chunk, code = read(recorded("transformers-serve.sse"))
    assert code is None
    assert (chunk.finish_reason, chunk.prompt_tokens, chunk.output_tokens) == ("length", 26, 24)
    said = [
        choice["delta"].get("content", "")
        for line in recorded("transformers-serve.sse").decode().split("\n")
        if line.startswith("data: {")
        for choice in json.loads(line[6:])["choices"]
    ]
    assert chunk.text == "".join(said).replace("\0", "\ufffd")


LINES = [b"data: a", b"data:b", b"data:  c", b": ping", b"event: x", b"id: 1", b"", b"data", b"data:"]


@given(
    st.lists(st.sampled_from(LINES), max_size=12),
    st.sampled_from([b"\n", b"\r\n"]),
    st.lists(st.integers(0, 80), max_size=6),
)
def test_any_lines_cut_anywhere_have_one_outcome(lines, end, cuts):
    body = b"".join(line + end for line in lines)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[start:stop] for start, stop in itertools.pairwise(edges)]
    assert events(*pieces) == events(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:a\r\n\r\ndata:b\r\n\r\n", [b"a", b"b"]),
        (b": comment\n\nevent: message\nid: 7\nretry: 3\ndata: a\n\n", [b"a"]),
        (b"data: one\ndata: two\n\n", [b"one\ntwo"]),
        (b"data:  two blanks\n\n", [b" two blanks"]),
        (b"\n\n\n", []),
    ],
)
def test_the_lines_of_the_format_are_understood(body, expected):
    assert events(body) == (expected, None)


def test_an_event_without_its_empty_line_is_left_for_the_end():
    assert events(b"data: a\n\ndata: b") == ([b"a"], b"b")
    assert events(b"data: a\n\ndata: b\n") == ([b"a"], b"b")


@pytest.mark.parametrize("body", [b"data: " + b"x" * 100, b"data: xxxxxxxx\n" * 20, b"x" * 100])
def test_an_event_without_end_is_oversized(body):
    decoder = SseDecoder(max_frame=50)
    decoder.feed(b"data: before\n\n")
    with pytest.raises(WorkerOversized):
        any(decoder.feed(body[at : at + 1]) for at in range(len(body)))
    assert decoder.events == [b"before"]


def test_deltas_add_up_and_counts_come_along():
    chunk, code = read(*spoken("Hello", " ", "there", tokens=(5, 3)))
    assert (chunk.text, chunk.prompt_tokens, chunk.output_tokens, chunk.finish_reason, code) == (
        "Hello there", 5, 3, "stop", None,
    )  # fmt: skip


def test_many_deltas_in_one_read_are_as_good_as_one_by_one():
    pieces = spoken(*(f"w{number} " for number in range(300)))
    assert read(b"".join(pieces)) == read(*pieces)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_comes_first_between_marks(field):
    pieces = [
        delta(role="assistant", content=""),
        delta(**{field: "Let me"}),
        delta(**{field: " see.", "content": None}),
    ]
    reader = DeltaReader()
    for piece in pieces:
        reader.feed(piece)
    assert reader.newest().text == "<think>\nLet me see."
    more = [
        delta(content="\n\n"),
        delta(content="A cat."),
        delta(**{field: "late"}),
        delta(content="!"),
        delta("stop"),
        DONE,
    ]
    assert text_of(*pieces, *more) == "<think>\nLet me see.\n</think>\n\nA cat.!"


@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_an_end_of_thinking_that_is_thought_about_ends_nothing(size):
    thought = "I close it by </think>, not by </thin or </ alone <"
    pieces = [thought[at : at + size] for at in range(0, len(thought), size)]
    told = text_of(*[delta(reasoning=piece) for piece in pieces], delta(content="Yes."), delta("stop"), DONE)
    as_text = thought.replace("</think>", "<\u200b/think>")
    assert told == f"<think>\n{as_text}\n</think>\n\nYes."
    assert answer_in(told) == "Yes."
    left = text_of(*[delta(reasoning=piece) for piece in pieces], delta("length"), DONE)
    assert left.endswith("alone <\n</think>")


def test_a_reply_that_is_all_reasoning_is_closed_at_its_end():
    assert text_of(delta(reasoning="Hm"), delta("length"), DONE) == "<think>\nHm\n</think>"


def test_a_nul_character_becomes_one_that_a_database_takes():
    assert text_of(delta(content="a\0b"), delta("stop"), DONE) == "a\ufffdb"


@pytest.mark.parametrize(
    "body",
    [
        b"".join([delta(content="a"), delta("stop")]),
        b"".join([delta(content="a"), DONE]),
        b"".join([delta(content="a"), b"data: [DONE]"]),
        b"".join([delta(content="a"), delta("stop").rstrip()]),
    ],
)
def test_a_body_may_end_without_done_or_without_a_reason(body):
    assert text_of(body) == "a"


def test_a_body_that_ends_with_neither_has_broken_off():
    assert read(delta(content="a"))[1] == WorkerBrokeOff.code
    chunk, code = read(delta(content="a"), delta(content="b")[:-20])
    assert (chunk.text, code) == ("a", WorkerBadJson.code)


def test_what_follows_done_is_not_read():
    reader = DeltaReader()
    assert reader.feed(delta(content="a") + DONE + b"data: nonsense\n\n")
    assert reader.ended
    assert not reader.feed(delta(content="b"))
    assert reader.finish().text == "a"


def test_other_choices_are_not_mixed_in():
    other = event(choices=[{"index": 1, "delta": {"content": "no"}}])
    assert text_of(delta(content="yes"), other, delta("stop"), DONE) == "yes"


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b"data: {nonsense}\n\n", WorkerBadJson),
        (b'data: "text"\n\n', WorkerBadJson),
        (b'data: {"choices": [{"delta": {"content": 7}}]}\n\n', WorkerBadJson),
        (b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n', WorkerBadUtf8),
        (event(error={"message": "CUDA out of memory", "code": 500}), WorkerReportedError),
        (event(error="something"), WorkerReportedError),
        (event(object="error", message="broken", code=400), WorkerReportedError),
        (event(error={"message": "maximum context length is 2048", "code": 400}), WorkerContextTooLong),
        (event(error={"message": "slow down", "code": 429}), WorkerBusy),
    ],
)
def test_a_bad_event_has_its_own_error_and_the_text_before_it_is_kept(bad, kind):
    for pieces in ([delta(content="kept"), bad], [delta(content="kept") + bad + delta(content="x")]):
        chunk, code = read(*pieces)
        assert (chunk.text, code) == ("kept", kind.code)


def test_two_halves_of_an_object_are_no_event():
    assert read(b'data: {"choices":[]\n\ndata: "usage":null}\n\n')[1] == WorkerBadJson.code


def test_a_server_that_does_not_stream_is_read_all_the_same():
    whole = {
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "All at once"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    chunk, code = read(json.dumps(whole, indent=1).encode())
    assert (chunk.text, chunk.output_tokens, code) == ("All at once", 4, None)


def test_an_error_with_a_status_of_200_is_an_error():
    body = json.dumps({"error": {"message": "This model's maximum context length is 4096 tokens"}}).encode()
    assert read(body)[1] == WorkerContextTooLong.code


def test_a_reply_that_the_servers_filter_took_is_named():
    assert read(delta("content_filter"), DONE)[1] == WorkerFiltered.code
    assert text_of(delta(content="so far"), delta("content_filter"), DONE) == "so far"


def test_counts_that_come_with_every_event_are_the_last_ones():
    pieces = [
        event(choices=[{"delta": {"content": "a"}}], usage={"prompt_tokens": 1, "completion_tokens": n})
        for n in (1, 2)
    ]
    chunk, _ = read(*pieces, usage(1, 3), DONE)
    assert (chunk.text, chunk.output_tokens) == ("aa", 3)
