"""FastChat's workers are asked in their own protocol, and what they tell beside the text is kept."""

import base64
import json
from dataclasses import dataclass

import msgspec
import pytest

from chat.workers import errors
from chat.workers.controller import conv_template
from chat.workers.protocols import PROTOCOLS, GenerationRequest

from .conftest import frame, recorded

FASTCHAT = PROTOCOLS["fastchat"]
REQUEST = GenerationRequest(
    "vicuna", "USER: Hi ASSISTANT:", stop=["</s>"], stop_token_ids=[2], repetition_penalty=1.0
)


def read(body):
    reader = FASTCHAT.reader(REQUEST)
    reader.feed(body)
    return reader.finish()


def test_a_request_has_its_fields():
    assert json.loads(msgspec.json.encode(FASTCHAT.body(REQUEST))) == {
        "model": "vicuna",
        "prompt": "USER: Hi ASSISTANT:",
        "temperature": 0.2,
        "top_p": 0.7,
        "repetition_penalty": 1.0,
        "max_new_tokens": 512,
        "stop": ["</s>"],
        "stop_token_ids": [2],
        "echo": False,
    }


def test_images_go_along_where_there_are_any():
    request = GenerationRequest("llava", "$$<image>$$Hi", images=[b"picture"])
    images = json.loads(msgspec.json.encode(FASTCHAT.body(request)))["images"]
    assert images == [base64.b64encode(b"picture").decode()]


def test_messages_are_refused():
    with pytest.raises(TypeError):
        FASTCHAT.body(GenerationRequest("m", []))


def test_what_was_recorded_of_a_real_worker_is_read_with_its_counts():
    body = recorded("fastchat-worker.bin")
    last = json.loads(body.split(b"\0")[-2])
    chunk = read(body)
    assert chunk.text == last["text"]
    assert (chunk.prompt_tokens, chunk.output_tokens, chunk.finish_reason) == (19, 23, "length")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (40303, errors.WorkerContextTooLong),
        (40301, errors.WorkerModelUnknown),
        (42903, errors.WorkerBusy),
        (50002, errors.WorkerReportedError),
        (1, errors.WorkerReportedError),
    ],
)
def test_each_code_that_says_more_has_its_own_error(code, kind):
    with pytest.raises(kind) as caught:
        read(frame("words", code))
    assert caught.value.detail == f"error_code {code}: words"


@dataclass
class Conv:
    name: str
    sep_style: int


def ok(value):
    return 200, {}, json.dumps(value).encode()


def test_a_worker_tells_its_template(answering):
    _, address = answering(
        {"/worker_get_conv_template": ok({"conv": {"name": "v", "sep_style": 2, "more": 1}})}
    )
    assert conv_template(address + "/", Conv) == Conv("v", 2)


@pytest.mark.parametrize(
    "answer", [ok({}), ok({"conv": None}), ok({"conv": {"name": "v"}}), ok([]), (200, {}, b"no")]
)
def test_what_is_no_template_is_named(answering, answer):
    _, address = answering({"/worker_get_conv_template": answer})
    with pytest.raises(errors.WorkerBadJson):
        conv_template(address, Conv)
