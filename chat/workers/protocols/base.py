"""Say what a protocol is: how a request is written and how a frame is read."""

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..errors import WorkerError, error_of_status, excerpt


def refusal_by_status(status: int, headers: Mapping[str, str], body: str) -> WorkerError | None:
    """Return the error that a status means by itself, None when there is none."""
    return error_of_status(status, f"HTTP {status}: {excerpt(body)}" if body else f"HTTP {status}")


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

    `prompt` is a list of messages, the system one first, for protocols with `takes_messages`, else a string.
    `images` are PNG or JPEG files of the preprocessed images: for a string as many and in the same order as its
    `<image>`, for messages those that they point at. `original_images` are JPEG files of the same images as
    uploaded.
    """

    model: str
    prompt: str | Sequence[PromptMessage]
    stop: str | Sequence[str] | None = None
    stop_token_ids: Sequence[int] = ()
    temperature: float = 0.2
    top_p: float = 0.7
    max_new_tokens: int = 512
    max_input_tiles: int = 12
    repetition_penalty: float | None = None  # None: as those who speak the protocol expect it
    without: frozenset[str] = frozenset()  # parameters that the worker does not take for this model
    images: Sequence[bytes] = field(default=(), repr=False)
    original_images: Sequence[bytes] = field(default=(), repr=False)


class Chunk(msgspec.Struct, frozen=True):
    """Hold the whole reply text so far, which replaces whatever came before, and what came with it.

    Tokens are counted by the worker, None where it does not tell. `finish_reason` is the worker's word for why
    the reply ended, `length` for the limit of tokens; empty while it runs and where none is told.
    """

    text: str
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str = ""


class Reader(typing.Protocol):
    """Turn the bytes of one body into chunks; it belongs to one request.

    However the body is cut, the last chunk and the error are the same.
    """

    @property
    def frames(self) -> int:
        """Tell how many frames were completed."""

    @property
    def ended(self) -> bool:
        """Tell whether the body has said that nothing follows, though its connection may stay open."""

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; return whether they completed a frame. Raises a WorkerError.

        It must cost little: what can wait is done in `newest`, which is called a few times a second.
        """

    def newest(self) -> Chunk | None:
        """Give the newest chunk; None when no frame was completed since the last call. Raises a WorkerError."""

    def previous(self) -> Chunk | None:
        """Give what came right before the error that `newest` or `finish` just raised, None when it was given."""

    def finish(self) -> Chunk | None:
        """End the body, which ended well, and give its last chunk as `newest` does. Raises a WorkerError."""

    def clear(self) -> None:
        """Forget everything: an error's traceback can keep this object, and half of a frame may be megabytes."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Hold one way of speaking to workers.

    `path` is appended to the worker's address. `body` returns what becomes the JSON
    body, with pictures as base64 already; it may take long and runs in a thread. `reader` makes what reads one
    answer. `refusal` names the error of an answer by its status, headers and the beginning of its body, None when
    there is none. `takes_messages` tells that the worker applies the template itself, `tells_template` that it can
    be asked for it. `continues` tells whether a worker goes on from a reply that broke off, when the prompt ends
    with it.
    """

    name: str
    path: str
    body: Callable[[GenerationRequest], Mapping[str, Any]]
    reader: Callable[[GenerationRequest], Reader]
    refusal: Callable[[int, Mapping[str, str], str], WorkerError | None] = refusal_by_status
    takes_messages: bool = False
    tells_template: bool = False
    continues: bool = False
