"""Render a conversation with the template that a FastChat worker tells of itself, as FastChat's own code does."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .neutral import neutralise
from .turns import Turn, exchanges

IMAGE = "$$<image>$$"  # FastChat's mark; `<image>` is LLaVA's
_CONTROL = (
    "<image>", "<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<|im_start|>", "<|im_end|>",
    "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|user|>", "<|assistant|>",
    "<|system|>", "<|end|>", "<start_of_turn>", "<end_of_turn>",
)  # fmt: skip


@dataclass(frozen=True)
class ConvTemplate:
    """Hold what `/worker_get_conv_template` tells; the fields are those of FastChat's `Conversation`."""

    sep_style: int | None
    roles: tuple[str, str]
    name: str = ""
    system_template: str = "{system_message}"
    system_message: str = ""
    messages: list[tuple[str, str]] = field(default_factory=list)  # examples that come first
    sep: str = "\n"
    sep2: str | None = None
    stop_str: str | list[str] | None = None
    stop_token_ids: list[int] | None = None

    @property
    def stops(self) -> list[str]:
        return [self.stop_str] if isinstance(self.stop_str, str) else self.stop_str or []

    def ends(self, position: int) -> str:
        """Give what follows the text at a position, which is the user's when even."""
        return self.sep if position % 2 == 0 or self.sep2 is None else self.sep2

    def control(self) -> tuple[str, ...]:
        """Give what this model would act upon; words, line ends and Markdown headings are none."""
        marks = [text.strip() for text in (self.sep, self.sep2 or "", *self.stops)]
        found = [mark for mark in marks if len(mark) > 1 and re.search(r"[^\w\s#*=-]", mark)]
        for role in filter(None, (role.strip() for role in self.roles)):
            found.append(f"{role}:" if re.fullmatch(r"[\w ]+", role) else role)
            if re.fullmatch("#+", self.sep.strip()):
                found += [self.sep.strip() + role, f"{self.sep.strip()} {role}"]
        return tuple(dict.fromkeys((IMAGE, *_CONTROL, *found)))


class UnknownStyle(ValueError):
    """A worker's template has a `sep_style` that is not rendered here."""


class RenderedTemplate(NamedTuple):
    """Hold a prompt, where to stop, and which of the conversation's images it has, in the order of their marks."""

    prompt: str
    stops: list[str]
    stop_token_ids: list[int]
    image_indexes: tuple[int, ...]


class _Style(NamedTuple):
    """Say how a style joins: what comes first, a turn at a position, and the open turn before a reply's text."""

    head: Callable[[ConvTemplate, str], str]
    turn: Callable[[ConvTemplate, int, str, str], str]
    open: Callable[[ConvTemplate, str], str]


def _bare(template: ConvTemplate, system: str) -> str:
    return system


def _separated(template: ConvTemplate, system: str) -> str:
    return system + template.sep


def _separated_if_any(template: ConvTemplate, system: str) -> str:
    return system + template.sep if system else ""


def _if_message(template: ConvTemplate, system: str) -> str:
    return system if template.system_message else ""


def _falcon(template: ConvTemplate, system: str) -> str:
    return system + template.sep if template.system_message else ""


def _llama_2(template: ConvTemplate, position: int, role: str, text: str) -> str:
    return f"{text} " if position == 0 else f"{role} {text}{template.ends(position)}"


def _chatglm(template: ConvTemplate, position: int, role: str, text: str) -> str:
    number = position // 2 + (1 if template.name == "chatglm2" else 0)
    beginning = f"[Round {number}]{template.sep}" if position % 2 == 0 else ""
    return f"{beginning}{role}：{text}{template.sep}"


def _rwkv(template: ConvTemplate, position: int, role: str, text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\n\n", "\n")
    return f"{role}: {lines}\n\n"


def _dolly(template: ConvTemplate, position: int, role: str, text: str) -> str:
    after = "\n\n" if position % 2 else ""
    return f"{role}:\n{text}{template.ends(position)}{after}"


def _metamath(template: ConvTemplate, position: int, role: str, text: str) -> str:
    if position % 2 == 0:
        return f"{role}:\n{text}{template.sep}"
    return f"{role}: {template.sep2 or ''}{text}"


# By the numbers of `SeparatorStyle`. The one that is left out, 19 (YUAN2), writes no roles and eats characters.
_STYLES: dict[int, _Style] = {
    1: _Style(_separated, lambda t, i, role, text: f"{role}: {text}{t.sep}", lambda t, role: f"{role}:"),
    2: _Style(_separated, lambda t, i, role, text: f"{role}: {text}{t.ends(i)}", lambda t, role: f"{role}:"),
    3: _Style(_separated, lambda t, i, role, text: f"{role}: {text}{t.sep}", lambda t, role: f"{role}: "),
    4: _Style(_bare, lambda t, i, role, text: f"{role}{text}{t.sep}", lambda t, role: role),
    5: _Style(_bare, lambda t, i, role, text: f"{role}{text}{t.ends(i)}", lambda t, role: role),
    6: _Style(
        _separated_if_any, lambda t, i, role, text: f"{role}\n{text}{t.sep}", lambda t, role: f"{role}\n"
    ),
    7: _Style(lambda t, system: _if_message(t, system) or "[INST] ", _llama_2, lambda t, role: role),
    8: _Style(_separated_if_any, _chatglm, lambda t, role: f"{role}："),
    9: _Style(
        lambda t, system: f"{system}{t.sep}\n" if system else "",
        lambda t, i, role, text: f"{role}\n{text}{t.sep}\n",
        lambda t, role: f"{role}\n",
    ),
    10: _Style(
        _bare,
        lambda t, i, role, text: f"{'' if i % 2 else '<s>'}{role}:{text}{t.ends(i)}\n",
        lambda t, role: f"{role}:",
    ),
    11: _Style(_bare, _dolly, lambda t, role: f"{role}:\n"),
    12: _Style(_bare, _rwkv, lambda t, role: f"{role}:"),
    13: _Style(_bare, lambda t, i, role, text: f"{role}: <s>{text}</s>", lambda t, role: f"{role}: <s>"),
    14: _Style(_separated, lambda t, i, role, text: f"{role}:\n{text}{t.sep}", lambda t, role: f"{role}:\n"),
    15: _Style(_falcon, lambda t, i, role, text: f"{role}: {text}{t.sep}", lambda t, role: f"{role}:"),
    16: _Style(_if_message, lambda t, i, role, text: f"{role}\n{text}", lambda t, role: role),
    17: _Style(_bare, lambda t, i, role, text: f"{role}: {text}{t.ends(i)}", lambda t, role: f"{role}:"),
    18: _Style(_separated_if_any, _metamath, lambda t, role: f"{role}: {t.sep2 or ''}"),
}


def render_template(
    template: ConvTemplate, system: str | None, turns: Sequence[Turn], beginning: str = ""
) -> RenderedTemplate:
    """Render turns, which end with the visitor's, and the open turn, which may have a `beginning`.

    `system` None means the template's own words; a replacement keeps what the template writes around them. What
    people typed can neither open or end a turn nor count as an image. Raises UnknownStyle, or ValueError for turns
    in an impossible order.
    """
    style = _STYLES.get(template.sep_style or 0)
    if style is None:
        raise UnknownStyle(f"template {template.name!r} has the sep_style {template.sep_style}")
    if system is not None:
        template = _with_system(template, system.strip())
    control = template.control()
    texts = [text for _, text in template.messages]
    pairs = exchanges(turns)
    for pair in pairs:
        texts.append(IMAGE * len(pair.images) + neutralise(pair.text, control))
        if pair.reply is not None:
            texts.append(neutralise(pair.reply, control))
    prompt = style.head(
        template, template.system_template.replace("{system_message}", template.system_message)
    )
    prompt += "".join(style.turn(template, at, template.roles[at % 2], text) for at, text in enumerate(texts))
    prompt += style.open(template, template.roles[1])
    if beginning:
        # As a reply's text follows its role, though an open turn ends without the blank.
        prompt += (" " if prompt.endswith(":") else "") + neutralise(beginning, control)
    images = tuple(index for pair in pairs for index in pair.images)
    return RenderedTemplate(prompt, template.stops, template.stop_token_ids or [], images)


def _with_system(template: ConvTemplate, words: str) -> ConvTemplate:
    # A replacement is trusted with every control string but the one that would miscount the images.
    return replace(template, system_message=neutralise(words, (IMAGE,)))
