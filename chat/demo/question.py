"""Read what a gateway asks: the bodies of `/worker_generate_stream` in the two shapes that workers take."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from chat.demo.turns import IMAGE, Turn, read_turns
from chat.prompts.families import choose_protocol

_DEFAULT_TOKENS = 256  # what LLaVA's worker takes where the request doesn't say
_DEFAULT_TILES = 12


class Refused(Exception):
    """A request that a worker ends with an `error_code` frame; the text says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request. `echo` comes before the reply in each frame; `tiles` is what each picture may have."""

    turns: list[Turn]
    echo: str
    max_new_tokens: int
    tiles: int
    stop: str

    @property
    def last(self) -> Turn:
        return self.turns[-1]

    @property
    def pictures(self) -> list[str]:
        """The pictures that the question is about: its own, else the latest that were shown."""
        return _latest_pictures(self.turns)


class _Limits(msgspec.Struct):
    max_new_tokens: int | None = None
    max_input_tiles: int | None = None


class _LlavaRequest(_Limits):
    prompt: str = ""
    stop: str | None = None
    images: list[str] | None = None


class _Message(msgspec.Struct):
    role: Annotated[str, msgspec.Meta(pattern="^(system|user|assistant)$")]
    content: str
    image: list[str] = []


class _InternvlRequest(_Limits, kw_only=True):
    prompt: Annotated[list[_Message], msgspec.Meta(min_length=2)]


def read_question(body: bytes, model_name: str) -> Question:
    """Parse a request body in the shape that workers of this model's name take. Raises `Refused`."""
    try:
        if choose_protocol(model_name) == "internvl2":
            return _from_messages(msgspec.json.decode(body, type=_InternvlRequest))
        return _from_prompt(msgspec.json.decode(body, type=_LlavaRequest))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Refused(f"The request can't be read: {error}") from None


def _from_prompt(request: _LlavaRequest) -> Question:
    pictures = request.images or []
    if pictures and len(pictures) != request.prompt.count(IMAGE):
        raise Refused("Number of images does not match number of <image> tokens in prompt")
    turns = read_turns(request.prompt)
    waiting = list(pictures)
    for turn in turns:
        turn.pictures, waiting = waiting[: turn.images], waiting[turn.images :]
    # A tag in the system message belongs to no turn; its picture is still one that was sent.
    turns[-1].pictures += waiting
    return Question(turns, request.prompt, _tokens(request), _tiles(request), request.stop or "")


def _from_messages(request: _InternvlRequest) -> Question:
    roles = [message.role for message in request.prompt]
    if roles != ["system", *(("user", "assistant") * len(roles))][: len(roles)] or roles[-1] != "user":
        raise Refused(
            "Messages must be one of the system, then user and assistant in turn, ending with the user"
        )
    turns: list[Turn] = []
    for message in request.prompt[1:]:
        if message.role == "user":
            turns.append(Turn(message.content, len(message.image), "", message.image))
        else:
            turns[-1].reply = message.content
    # InternVL2's worker shares the tiles among the pictures of a message.
    tiles = max(1, _tiles(request) // max(1, len(_latest_pictures(turns))))
    return Question(turns, "", _tokens(request), tiles, "")


def _latest_pictures(turns: list[Turn]) -> list[str]:
    return next((turn.pictures for turn in reversed(turns) if turn.pictures), [])


def _tokens(request: _Limits) -> int:
    return _DEFAULT_TOKENS if request.max_new_tokens is None else request.max_new_tokens


def _tiles(request: _Limits) -> int:
    return max(1, min(request.max_input_tiles or _DEFAULT_TILES, 128))
