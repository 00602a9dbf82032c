"""Speak to InternVL2, 2.5 and 3 workers (`streamlit_demo/model_worker.py`).

These workers apply the model's template themselves.
"""

from collections.abc import Sequence
from typing import Any

from .base import Chunk, GenerationRequest, PromptMessage, Protocol
from .base64_json import base64_json
from .frames import text_of


def body(request: GenerationRequest) -> dict[str, Any]:
    """Return the request's fields; the first message must be the system one, which may be empty."""
    if isinstance(request.prompt, str):
        raise TypeError("this protocol takes a list of messages, not a string")
    return {
        "model": request.model,
        "prompt": [_message(message, request.images) for message in request.prompt],
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_new_tokens": request.max_new_tokens,
        "max_input_tiles": request.max_input_tiles,
        "repetition_penalty": request.repetition_penalty,
    }


def parse(frame: bytes, request: GenerationRequest) -> Chunk:
    """Return the reply so far, which is a frame's text."""
    return Chunk(text_of(frame))


def _message(message: PromptMessage, images: Sequence[bytes]) -> dict[str, Any]:
    fields: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        fields["image"] = [base64_json(images[index]) for index in message.images]
    return fields


INTERNVL2 = Protocol("internvl2", "/worker_generate_stream", body, parse)
