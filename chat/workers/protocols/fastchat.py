"""Speak to FastChat's workers (`fastchat.serve.model_worker`, `vllm_worker`, `sglang_worker`)."""

from typing import Any

import msgspec

from ..errors import (
    WorkerBusy,
    WorkerContextTooLong,
    WorkerError,
    WorkerModelUnknown,
    WorkerReportedError,
)
from .base import Chunk, GenerationRequest, Protocol
from .base64_json import base64_json
from .frames import Frame, NewestFrame, decode, text_in

REPETITION_PENALTY = 1.0  # what FastChat's own page asks for
# `ErrorCode` in FastChat's constants.py.
_BY_CODE: dict[int, type[WorkerError]] = {
    40301: WorkerModelUnknown,
    40303: WorkerContextTooLong,
    42901: WorkerBusy,
    42903: WorkerBusy,
}


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Frame(Frame):
    usage: _Usage | None = None
    finish_reason: str | None = None


_decoder = msgspec.json.Decoder(_Frame)


def body(request: GenerationRequest) -> dict[str, Any]:
    """Return the request's fields; the worker wants as many images as there are marks in the prompt."""
    if not isinstance(request.prompt, str):
        raise TypeError("this protocol takes a string, not a list of messages")
    fields: dict[str, Any] = {
        "model": request.model,
        "prompt": request.prompt,
        "temperature": request.temperature,
        "repetition_penalty": request.repetition_penalty or REPETITION_PENALTY,
        "top_p": request.top_p,
        "max_new_tokens": request.max_new_tokens,
        "stop": request.stop,
        "stop_token_ids": request.stop_token_ids,
        "echo": False,
    }
    # Workers without eyes know no such field.
    return (
        {**fields, "images": [base64_json(image) for image in request.images]} if request.images else fields
    )


def reader(request: GenerationRequest) -> NewestFrame:
    """Return what reads the answer: a frame's text is the reply so far, since nothing is echoed."""
    return NewestFrame(parse)


def parse(data: bytes) -> Chunk:
    """Return a frame's text with what it tells of tokens and of the end. Raises a WorkerError."""
    frame = decode(data, _decoder)
    try:
        text = text_in(frame, data)
    except WorkerReportedError as error:
        kind = _BY_CODE.get(frame.error_code or 0)
        raise (kind(error.detail) if kind else error) from None
    usage = frame.usage or _Usage()
    return Chunk(text, usage.prompt_tokens, usage.completion_tokens, frame.finish_reason or "")


FASTCHAT = Protocol("fastchat", "/worker_generate_stream", body, reader, continues=True, tells_template=True)
