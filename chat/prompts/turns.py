"""Say what a conversation is made of, and which of its turns a model may read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from .thinking import answer_in


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold one message as it is stored: its text, and how many images came with it."""

    role: Literal["user", "assistant"]
    text: str
    images: int = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """Hold a visitor's message, the numbers of its images, and the reply (None: the one being asked for).

    Images are numbered from 0 through all turns that were given, those left out included, so that a caller
    can pick them from its own list.
    """

    text: str
    images: tuple[int, ...]
    reply: str | None


def exchanges(turns: Sequence[Turn]) -> list[Exchange]:
    """Pair each visitor's message with its reply and leave out those whose reply has no text.

    Replies are stripped of white space at both ends and of what the model thought first: models are trained to read
    answers alone. The last turn is the visitor's and stays open.
    Raises ValueError when the turns don't end with the visitor's or a reply answers nothing.
    """
    if not turns or turns[-1].role != "user":
        raise ValueError("the turns must end with a message of the visitor")
    return [pair for pair in _pairs(turns) if pair.reply is None or pair.reply]


def _pairs(turns: Sequence[Turn]) -> Iterator[Exchange]:
    first_image = 0
    for position, turn in enumerate(turns):
        if turn.role == "assistant":
            if position == 0 or turns[position - 1].role != "user":
                raise ValueError(f"the reply at {position} answers no message")
            continue
        images = tuple(range(first_image, first_image + turn.images))
        first_image += turn.images
        if position == len(turns) - 1:
            yield Exchange(turn.text, images, None)
        else:
            following = turns[position + 1]
            reply = answer_in(following.text) if following.role == "assistant" else ""
            yield Exchange(turn.text, images, reply)
