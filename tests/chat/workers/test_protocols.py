"""Requests hold exactly the fields that workers read, and frames become the reply so far."""

import base64
import json

import msgspec
import pytest

from chat.prompts.messages import Message
from chat.workers.errors import WorkerBadJson, WorkerBadUtf8, WorkerContextTooLong, WorkerReportedError
from chat.workers.protocols import PROTOCOLS, Chunk, GenerationRequest

from .conftest import PROMPT, REPLY, frame, recorded

LLAVA, INTERNVL2 = PROTOCOLS["llava"], PROTOCOLS["internvl2"]
PNG, JPEG = b"\x89PNG\xff\xfe", b"\xff\xd8\xff"
REQUEST = GenerationRequest("m", PROMPT)


def sent(protocol, request):
    return json.loads(msgspec.json.encode(protocol.body(request)))


def test_a_llava_request_holds_prompt_and_images_as_base64():
    request = GenerationRequest(
        "llava-v1.5",
        "USER: <image>\nHi ASSISTANT:",
        stop="</s>",
        temperature=0.5,
        top_p=0.9,
        max_new_tokens=100,
        max_input_tiles=6,
        images=[PNG],
        original_images=[JPEG],
    )

    assert sent(LLAVA, request) == {
        "model": "llava-v1.5",
        "prompt": "USER: <image>\nHi ASSISTANT:",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_new_tokens": 100,
        "max_input_tiles": 6,
        "stop": "</s>",
        "images": [base64.b64encode(PNG).decode()],
        "org_images": [base64.b64encode(JPEG).decode()],
    }


def test_an_internvl2_request_holds_messages_with_their_images():
    request = GenerationRequest(
        "InternVL2-8B",
        [
            Message("system", ""),
            Message("user", "Hi", (1, 0)),
            Message("assistant", "Yes"),
            Message("user", "?"),
        ],
        stop="ignored",
        temperature=0.5,
        top_p=0.9,
        max_new_tokens=100,
        max_input_tiles=6,
        repetition_penalty=1.2,
        images=[PNG, JPEG],
    )

    assert sent(INTERNVL2, request) == {
        "model": "InternVL2-8B",
        "prompt": [
            {"role": "system", "content": ""},
            {
                "role": "user",
                "content": "Hi",
                "image": [base64.b64encode(JPEG).decode(), base64.b64encode(PNG).decode()],
            },
            {"role": "assistant", "content": "Yes"},
            {"role": "user", "content": "?"},
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_new_tokens": 100,
        "max_input_tiles": 6,
        "repetition_penalty": 1.2,
    }


def read(protocol, frame):
    """Give the chunk of a frame that comes alone."""
    reader = protocol.reader(REQUEST)
    reader.feed(frame + b"\0")
    return reader.newest()


def test_the_wrong_kind_of_prompt_is_refused():
    with pytest.raises(TypeError):
        LLAVA.body(GenerationRequest("m", [Message("system", "")]))
    with pytest.raises(TypeError):
        INTERNVL2.body(GenerationRequest("m", "USER: Hi"))


@pytest.mark.parametrize(
    ("protocol", "name"),
    [(LLAVA, "llava.bin"), (INTERNVL2, "internvl2.bin"), (INTERNVL2, "internvl2-raw-utf8.bin")],
)
def test_every_frame_of_a_recorded_reply_is_its_beginning(protocol, name):
    frames = recorded(name).split(b"\0")[:-1]

    texts = [read(protocol, each).text for each in frames]

    assert texts[-1] == REPLY
    assert texts == sorted(texts, key=len)
    assert all(REPLY.startswith(text) for text in texts)


def test_llava_cuts_as_many_characters_as_the_prompt_has_whatever_they_are():
    changed = "x" * len(PROMPT)

    assert read(LLAVA, frame(changed + " Hi")[:-1]) == Chunk(" Hi")
    assert read(LLAVA, frame("short")[:-1]) == Chunk("")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"text": "a"}',
        b'{"text": "a", "error_code": null}',
        b'{"usage": {"n": [1]}, "text": "a", "error_code": 0}',
    ],
)
def test_missing_and_unknown_fields_are_tolerated(raw):
    assert read(INTERNVL2, raw) == Chunk("a")


@pytest.mark.parametrize(
    "raw",
    [
        b"null",
        b"[]",
        b"{}",
        b'{"text": 1}',
        b'{"text": "a"',
        b'{"text": "a"} {}',
        b'{"text": "a", "error_code": "no"}',
        b'{"text": "\\ud83d"}',
        b"Internal Server Error",
        b'{"text": "a", "x": ' + b"[" * 100_000,
    ],
)
def test_a_frame_of_another_shape_is_bad_json(raw):
    with pytest.raises(WorkerBadJson) as caught:
        read(INTERNVL2, raw)

    assert len(caught.value.detail) < 1000


@pytest.mark.parametrize(
    "raw", [b'{"text": "\xff"}', b'{"text": "\xed\xa0\x80"}', b"\xff\xfe", b'{"text": "a\xc3']
)
def test_a_frame_that_is_no_utf8_says_so(raw):
    with pytest.raises(WorkerBadUtf8):
        read(INTERNVL2, raw)


@pytest.mark.parametrize(
    "raw", [frame("out of memory", 50002)[:-1], b'{"error_code": 1}', b'{"text":"","error_code":-1}']
)
def test_an_error_code_ends_the_reply_and_its_text_is_a_detail(raw):
    with pytest.raises(WorkerReportedError) as caught:
        read(LLAVA, raw)

    assert (
        caught.value.detail
        == f"error_code {json.loads(raw)['error_code']}: {json.loads(raw).get('text', '')}"
    )


def test_a_frame_of_our_own_model_worker_tells_its_tokens_and_its_end_and_names_a_full_context():
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    told = json.dumps({"text": "a", "error_code": 0, "usage": usage, "finish_reason": "length"})
    assert read(INTERNVL2, told.encode()) == Chunk("a", 3, 4, "length")
    with pytest.raises(WorkerContextTooLong):
        read(INTERNVL2, frame("9 tokens are too many", 40303)[:-1])


def test_a_nul_character_in_a_text_is_replaced_because_databases_refuse_it():
    assert read(INTERNVL2, b'{"text": "a\\u0000b"}') == Chunk("a\ufffdb")
