"""Read the bodies that InternVL2's workers take: a list of messages, each of the user's with its pictures."""

from typing import Annotated, Any, TypeVar

import msgspec

DEFAULT_TOKENS = 256  # what LLaVA's worker takes where the request doesn't say
DEFAULT_TILES = 12
MOST_TILES = 128
_WANTS_MESSAGES = (
    "The prompt is a text, and this worker takes messages: its model's protocol has to be internvl2."
)


class BadRequest(Exception):
    """A request that a worker ends with an `error_code` frame; the text says why."""


class Limits(msgspec.Struct, kw_only=True):
    """What bounds a reply, in any of the shapes that workers take."""

    max_new_tokens: int | None = None
    max_input_tiles: int | None = None

    @property
    def tokens(self) -> int:
        return DEFAULT_TOKENS if self.max_new_tokens is None else self.max_new_tokens

    @property
    def tiles(self) -> int:
        return max(1, min(self.max_input_tiles or DEFAULT_TILES, MOST_TILES))


class Message(msgspec.Struct):
    """One message; pictures are base64."""

    role: Annotated[str, msgspec.Meta(pattern="^(system|user|assistant)$")]
    content: str
    image: list[str] = []


class MessagesRequest(Limits, kw_only=True):
    """One request: the system message first, which may be empty, then user and assistant in turn."""

    prompt: Annotated[list[Message], msgspec.Meta(min_length=2)]
    temperature: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class _AnyPrompt(Limits, kw_only=True):
    prompt: Any = None


Kind = TypeVar("Kind", bound=Limits)


def read_body(body: bytes, kind: type[Kind]) -> Kind:
    """Parse a request's body. Raises `BadRequest`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadRequest(f"The request can't be read: {error}") from None


def read_messages(body: bytes) -> MessagesRequest:
    """Parse a request in InternVL2's shape. Raises `BadRequest`."""
    try:
        request = read_body(body, MessagesRequest)
    except BadRequest:
        if isinstance(read_body(body, _AnyPrompt).prompt, str):
            raise BadRequest(_WANTS_MESSAGES) from None
        raise
    roles = [message.role for message in request.prompt]
    if roles != ["system", *(("user", "assistant") * len(roles))][: len(roles)] or roles[-1] != "user":
        raise BadRequest(
            "Messages must be one of the system, then user and assistant in turn, ending with the user"
        )
    return request
