"""Read what a gateway asks: the bodies of `/worker_generate_stream` in the two shapes that workers take."""

from dataclasses import dataclass

from chat.demo.turns import IMAGE, Turn, read_turns
from chat.prompts.families import choose_protocol
from chat.serving.messages import BadRequest, Limits, MessagesRequest, read_body, read_messages


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


class _LlavaRequest(Limits, kw_only=True):
    prompt: str = ""
    stop: str | None = None
    images: list[str] | None = None


def read_question(body: bytes, model_name: str) -> Question:
    """Parse a request body in the shape that workers of this model's name take. Raises `BadRequest`."""
    if choose_protocol(model_name) == "internvl2":
        return _from_messages(read_messages(body))
    return _from_prompt(read_body(body, _LlavaRequest))


def _from_prompt(request: _LlavaRequest) -> Question:
    pictures = request.images or []
    if pictures and len(pictures) != request.prompt.count(IMAGE):
        raise BadRequest("Number of images does not match number of <image> tokens in prompt")
    turns = read_turns(request.prompt)
    waiting = list(pictures)
    for turn in turns:
        turn.pictures, waiting = waiting[: turn.images], waiting[turn.images :]
    # A tag in the system message belongs to no turn; its picture is still one that was sent.
    turns[-1].pictures += waiting
    return Question(turns, request.prompt, request.tokens, request.tiles, request.stop or "")


def _from_messages(request: MessagesRequest) -> Question:
    turns: list[Turn] = []
    for message in request.prompt[1:]:
        if message.role == "user":
            turns.append(Turn(message.content, len(message.image), "", message.image))
        else:
            turns[-1].reply = message.content
    # InternVL2's worker shares the tiles among the pictures of a message.
    tiles = max(1, request.tiles // max(1, len(_latest_pictures(turns))))
    return Question(turns, "", request.tokens, tiles, "")


def _latest_pictures(turns: list[Turn]) -> list[str]:
    return next((turn.pictures for turn in reversed(turns) if turn.pictures), [])
