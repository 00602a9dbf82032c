"""Render a conversation into a list of messages, for workers that apply the template themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .neutral import IMAGE, neutralise
from .turns import Turn, exchanges


@dataclass(frozen=True, slots=True)
class Message:
    """Hold one message and the numbers of its images, counted from 0 through all turns that were given."""

    role: Literal["system", "user", "assistant"]
    content: str
    images: tuple[int, ...] = ()


def messages(system: str | None, turns: Sequence[Turn]) -> list[Message]:
    """Return the system message (empty when None), then user and assistant in turn, the visitor's last.

    Turns whose reply has no text are left out with their images, so two user messages never follow each
    other: InternVL2 workers break on that. Texts stay as they are but for a typed `<image>`, which those
    workers count. Raises ValueError for turns in an impossible order.
    """
    listed = [Message("system", _typed(system or ""))]
    for pair in exchanges(turns):
        listed.append(Message("user", _typed(pair.text), pair.images))
        if pair.reply is not None:
            listed.append(Message("assistant", _typed(pair.reply)))
    return listed


def _typed(text: str) -> str:
    return neutralise(text, (IMAGE,))
