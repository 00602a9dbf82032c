"""Find the turns of a conversation in a rendered prompt.

A neural network reads the prompt as one text; the demo worker needs its last question. The template is told
by how the prompt ends, since an administrator may have chosen another than the model's name says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from chat.prompts.families import FAMILIES, Family

IMAGE = "<image>"
_SYSTEM = re.compile(r"\A<<SYS>>.*?<</SYS>>\s*", re.DOTALL)
# What templates with picture tags of their own put around `<image>`, and answer in the assistant's name.
_TAGGED_IMAGE = "<Image></Image>"
_CANNED_REPLY = "Received."


@dataclass(slots=True)
class Turn:
    """One question with its number of images, and the reply to it (of the last: empty, or its beginning)."""

    question: str
    images: int = 0
    reply: str = ""
    pictures: list[str] = field(default_factory=list)  # base64, in order


def read_turns(prompt: str) -> list[Turn]:
    """Split a rendered prompt, which ends with an open assistant turn, into its turns, oldest first.

    Where a reply is to be continued the last turn has its beginning. A prompt of no known template is one
    turn. Never empty.
    """
    for is_its in (_ends_open, _ends_inside_a_reply):
        for family in FAMILIES.values():
            user, assistant = _marks(family)
            if user and is_its(prompt, user, assistant):
                return list(_joined(_split(prompt, user, assistant, family))) or [Turn("")]
    return [_turn(prompt, "")]


def _ends_open(prompt: str, user: str, assistant: str) -> bool:
    return prompt.rstrip().endswith(assistant.rstrip())


def _ends_inside_a_reply(prompt: str, user: str, assistant: str) -> bool:
    return -1 < prompt.rfind(user) < prompt.rfind(assistant)


def _marks(family: Family) -> tuple[str, str]:
    """Give what stands before a question and before a reply; empty for templates that mark neither."""
    match family.layout:
        case "plain":
            return "", ""
        case "llama_2":
            return "[INST] ", " [/INST]"
        case "mpt":
            return family.roles
        case _:
            return f"{family.roles[0]}:", f"{family.roles[1]}:"


def _split(prompt: str, user: str, assistant: str, family: Family) -> Iterator[Turn]:
    for part in prompt.split(user)[1:]:
        question, _, reply = part.partition(assistant)
        yield _turn(_without(question, family), _without(reply, family))


def _turn(question: str, reply: str) -> Turn:
    images = question.count(IMAGE)
    words = question.replace(IMAGE, "").replace(_TAGGED_IMAGE, "")
    return Turn(_SYSTEM.sub("", words.strip()).strip(), images, reply)


def _without(text: str, family: Family) -> str:
    """Strip white space and the template's separators from the end of a text."""
    for ending in ("<s>", family.sep2, family.sep):
        text = text.strip().removesuffix(ending.strip() if ending else "")
    return text.strip()


def _joined(turns: Iterator[Turn]) -> Iterator[Turn]:
    """Put the images of a turn that only shows them into the turn with the words."""
    shown = 0
    for turn in turns:
        turn.images += shown
        shown = 0
        if not turn.question and turn.reply == _CANNED_REPLY:
            shown = turn.images
        else:
            yield turn
