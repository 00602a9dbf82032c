"""Say what a protocol is: how a request is written and how a frame is read."""

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class PromptMessage(typing.Protocol):
    """Describe a message for a worker that applies the template itself.

    `images` are positions in the request's images.
    """

    @property
    def role(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def images(self) -> Sequence[int]: ...


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Hold what to generate from, and how.

    `prompt` is a string for `llava` and a list of messages for `internvl2`, the system one first. `images`
    are PNG files of the preprocessed images: for a string as many and in the same order as its `<image>`, for
    messages those that they point at. `original_images` are JPEG files of the same images as uploaded.
    """

    model: str
    prompt: str | Sequence[PromptMessage]
    stop: str | None = None
    temperature: float = 0.2
    top_p: float = 0.7
    max_new_tokens: int = 512
    max_input_tiles: int = 12
    repetition_penalty: float = 1.1
    images: Sequence[bytes] = field(default=(), repr=False)
    original_images: Sequence[bytes] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Hold the whole reply text so far; it replaces whatever came before."""

    text: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """Hold one way of speaking to workers.

    `path` is appended to the worker's address. `body` returns what becomes the JSON
    body, with pictures as base64 already; it may take long and runs in a thread. `parse` reads one frame and
    raises a WorkerError when the frame is bad or reports one. `continues` tells whether a worker goes on from
    a reply that broke off, when the prompt ends with it.
    """

    name: str
    path: str
    body: Callable[[GenerationRequest], Mapping[str, Any]]
    parse: Callable[[bytes, GenerationRequest], Chunk]
    continues: bool = False
