"""Speak to LLaVA and InternVL 1.x workers (`llava.serve.model_worker`)."""

from typing import Any

from .base import Chunk, GenerationRequest, Protocol
from .base64_json import base64_json
from .frames import NewestFrame, text_of


def body(request: GenerationRequest) -> dict[str, Any]:
    """Return the request's fields; the worker wants as many images as there are `<image>` in the prompt."""
    if not isinstance(request.prompt, str):
        raise TypeError("this protocol takes a string, not a list of messages")
    return {
        "model": request.model,
        "prompt": request.prompt,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_new_tokens": request.max_new_tokens,
        "max_input_tiles": request.max_input_tiles,
        "stop": request.stop,
        "images": [base64_json(image) for image in request.images],
        "org_images": [base64_json(image) for image in request.original_images],
    }


def reader(request: GenerationRequest) -> NewestFrame:
    """Return what reads the answer: a frame's text is as many characters as the prompt has, then the reply."""
    echoed = len(request.prompt)
    return NewestFrame(lambda frame: Chunk(text_of(frame)[echoed:]))


LLAVA = Protocol("llava", "/worker_generate_stream", body, reader, continues=True)
