"""What a model that is served does, whatever computes it: PyTorch is not needed to read this."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from chat.model_worker.decoding import Decoding
from chat.serving.messages import BadRequest, MessagesRequest


class ContextFull(BadRequest):
    """A conversation that leaves no room for a reply in the model's context."""


class OutOfMemory(Exception):
    """The device has no memory left for this request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a reply ended: tokens of the prompt and of the reply, and whether it was cut off at the limit."""

    prompt_tokens: int
    tokens: int
    cut: bool


class Model(Protocol):
    """A model that takes several requests at once, each in a thread of its own."""

    def decoding(self) -> Decoding:
        """Begin to decode a reply."""

    def prepare(self, request: MessagesRequest) -> Any:
        """Turn messages and pictures into the model's inputs. Raises `BadRequest` or `PictureError`."""

    def generate(
        self, inputs: Any, request: MessagesRequest, tell: Callable[[int], None], stop: threading.Event
    ) -> Reply:
        """Generate a reply, telling each token, until its end, the limit of tokens, or `stop`.

        Raises `BadRequest`, `ContextFull` or `OutOfMemory`.
        """
