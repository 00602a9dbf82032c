"""Speak to InternVL2, 2.5 and 3 workers (`streamlit_demo/model_worker.py`), and to the site's own model worker.

These workers apply the model's template themselves. The site's own also tells what FastChat's workers tell beside a
frame's text.
"""

from collections.abc import Sequence
from typing import Any

from .base import GenerationRequest, PromptMessage, Protocol
from .base64_json import base64_json
from .fastchat import parse
from .frames import NewestFrame

REPETITION_PENALTY = 1.1  # what InternVL's own page asks for


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
        "repetition_penalty": request.repetition_penalty or REPETITION_PENALTY,
    }


def reader(request: GenerationRequest) -> NewestFrame:
    """Return what reads the answer: a frame's text is the reply so far."""
    return NewestFrame(parse)


def _message(message: PromptMessage, images: Sequence[bytes]) -> dict[str, Any]:
    fields: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        fields["image"] = [base64_json(images[index]) for index in message.images]
    return fields


INTERNVL2 = Protocol("internvl2", "/worker_generate_stream", body, reader, takes_messages=True)
