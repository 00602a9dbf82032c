"""Render a conversation into the prompt string of a model's family."""

from collections.abc import Sequence
from dataclasses import dataclass

from .families import Family
from .layouts import BEFORE_REPLY, LAYOUTS
from .neutral import IMAGE, neutralise
from .turns import Exchange, Turn, exchanges

__all__ = ["RenderedPrompt", "Turn", "render"]

MMTAG_IMAGE = f"<Image>{IMAGE}</Image>"
MMTAG_REPLY = "Received."


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """Hold a prompt, the string at which to stop, and how many `<image>` the prompt holds.

    `image_indexes` says which of the conversation's images these are, in the order of their tags; images of
    turns that were left out are not among them.
    """

    prompt: str
    stop: str | None
    images: int
    image_indexes: tuple[int, ...]


def render(family: Family, system: str | None, turns: Sequence[Turn], beginning: str = "") -> RenderedPrompt:
    """Render turns, which end with the visitor's, and the open assistant turn, which may have a `beginning`.

    `system` None means the family's own; a replacement keeps the family's wrapper (`Family.system_text`).
    Turns whose reply has no text are left out with their images. What people typed, replies included, can
    neither open or end a turn nor count as an image. Raises ValueError for turns in an impossible order.
    """
    pairs = exchanges(turns)
    system_text = family.system_text(system)
    if system is not None:
        # A replacement is trusted with every control string but this one, which would miscount the images.
        system_text = neutralise(system_text, (IMAGE,))
    texts: list[str] = []
    for position, pair in enumerate(pairs):
        texts += _user_texts(family, pair, is_first=position == 0)
        if pair.reply is not None:
            texts.append(neutralise(pair.reply, family.control))
    image_indexes = tuple(index for pair in pairs for index in pair.images)
    prompt = LAYOUTS[family.layout](family, system_text, texts)
    if beginning:
        prompt += BEFORE_REPLY[family.layout] + neutralise(beginning, family.control)
    return RenderedPrompt(prompt, family.stop, len(image_indexes), image_indexes)


def _user_texts(family: Family, pair: Exchange, *, is_first: bool) -> list[str]:
    """Return the text of a visitor's message with its image tags, one a line.

    An mmtag family's first message becomes three: the tags, a canned reply, the text.
    """
    text = neutralise(pair.text, family.control)
    if not pair.images:
        return [text]
    if not is_first:
        return [f"{IMAGE}\n" * len(pair.images) + text]
    text = text.strip()
    if family.image_tag == "mmtag":
        return ["\n".join([MMTAG_IMAGE] * len(pair.images)), MMTAG_REPLY, text]
    return [f"{IMAGE}\n" * len(pair.images) + text]
