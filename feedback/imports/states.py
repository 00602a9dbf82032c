"""Take the states of log lines apart: who said what, with which images, in which conversation."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chat.models.registry import MOST_NAME_CHARACTERS
from feedback.exchange.llava import CURSOR, IMAGE
from feedback.exchange.logged import AFTER, FILE_NAMES, Told
from feedback.imports.files import Unplaced
from feedback.models.logs import LogSource

_MD5 = re.compile(r"[0-9a-f]{32}")
_MARK = "<image>"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(slots=True)
class Said:
    """Hold one state of a line: the model, the turns, the id of its conversation, and what finds them again."""

    model: str
    turns: list[Told]
    name: str  # the conversation's id in the log, where it has one
    scope: str  # conversations of different scopes have nothing in common
    system: str
    template: str
    roles: tuple[str, str]
    separators: tuple[str | None, str | None]
    knows_images: bool = True
    raw: list[str] = field(default_factory=list)  # the visitor's texts with their marks, of LLaVA
    is_bare: bool = False  # marks are part of the texts: they are not one for each image

    @property
    def has_marks(self) -> bool:
        """Tell whether it can't be known which marks stand for images: votes do not name them."""
        return not self.knows_images and any(turn.images for turn in self.turns)

    def bare(self) -> "Said":
        """Give the state as it is where the marks of images are what a visitor typed."""
        turns = [turn._replace(text=raw, images=()) for turn, raw in zip(self.turns, self.raw, strict=True)]
        return replace(self, turns=turns, is_bare=True)


def states_of(
    fields: Mapping[str, Any], source: LogSource, address_hash: str, own_name: str, rest: dict[str, Any]
) -> list[Said]:
    if source == LogSource.STREAMLIT:
        return [_streamlit(fields, rest)]
    if "states" not in fields:
        model = _model(fields.get("model"), "model")
        return [_said(fields["state"], model, fields, source, address_hash, own_name)]
    states = fields["states"]
    if not isinstance(states, list) or len(states) != 2 or not all(isinstance(s, dict) for s in states):
        raise Unplaced("states are not two objects")
    return [
        _said(state, _model(state.get("model_name"), "model_name"), {}, source, address_hash, "")
        for state in states
    ]


def _said(
    state: Mapping[str, Any],
    model: str,
    fields: Mapping[str, Any],
    source: LogSource,
    address_hash: str,
    own_name: str,
) -> Said:
    roles, offset, messages = state.get("roles"), state.get("offset", 0), state.get("messages")
    if not isinstance(roles, list) or len(roles) != 2 or not all(isinstance(role, str) for role in roles):
        raise Unplaced("roles are not two texts")
    if not isinstance(messages, list):
        raise Unplaced("messages are no list")
    if isinstance(offset, bool) or not isinstance(offset, int) or not 0 <= offset <= len(messages):
        raise Unplaced(f"offset is {short(offset)}, of {len(messages)} messages")
    turns = _turns(messages[offset:], roles, source)
    name = state.get("conv_id") if source == LogSource.FASTCHAT else own_name
    name = name if isinstance(name, str) and storable(name) == name else ""
    system = state.get("system_message" if source == LogSource.FASTCHAT else "system")
    head = json.dumps([state.get(key) for key in ("system", "sep", "sep2")] + [roles, messages[:offset]])
    said = Said(
        model=model,
        turns=turns,
        name=name,
        scope=f"{source} {name}" if name else f"{source} {address_hash} {head}",
        system=storable(system) if isinstance(system, str) else "",
        template=storable(str(state.get("template_name", ""))),
        roles=(roles[0], roles[1]),
        separators=(_separator(state.get("sep")), _separator(state.get("sep2"))),
    )
    if source == LogSource.LLAVA:
        said.raw = [storable(text) for _, text in messages[offset::2]]
        said.knows_images = fields.get("type") == "chat"
        if said.knows_images:
            said = _with_images(said, fields.get("images"))
    return said


def _separator(value: Any) -> str | None:
    return None if value is None else str(value)


def _turns(messages: Sequence[Any], roles: Sequence[str], source: LogSource) -> list[Told]:
    if not messages:
        raise Unplaced("there are no messages")
    turns: list[Told] = []
    asked: tuple[str, tuple[str, ...]] | None = None
    for number, message in enumerate(messages):
        if not isinstance(message, list) or len(message) != 2:
            raise Unplaced(f"message {number + 1} is no role and text")
        role, text = message
        if role != roles[number % 2]:
            raise Unplaced(f"the roles of messages do not take turns: message {number + 1}")
        if asked is None:
            asked = _question(text, source, number)
        else:
            turns.append(_turn(asked, text, number))
            asked = None
    if asked is not None:
        turns.append(Told(*asked, "", False))
    return turns


def _question(text: Any, source: LogSource, number: int) -> tuple[str, tuple[str, ...]]:
    """Give a visitor's text, and its images; LLaVA's have no names here."""
    if source == LogSource.FASTCHAT and isinstance(text, list) and len(text) == 2:
        text, names = text
        if isinstance(text, str) and isinstance(names, list):
            known = (name for name in names if isinstance(name, str) and _MD5.fullmatch(name))
            return storable(text), tuple(known)
    if not isinstance(text, str):
        raise Unplaced(f"message {number + 1} is no text")
    if source == LogSource.FASTCHAT or _MARK not in text:
        return storable(text), ()
    marks = text.count(_MARK)
    bare = text
    while bare.startswith(IMAGE):
        bare = bare[len(IMAGE) :]
    if _MARK not in bare:
        return storable(bare), ("",) * marks
    if marks == 1 and text.endswith(AFTER):
        return storable(text.removesuffix(AFTER)), ("",)
    return storable(text), ("",) * marks


def _turn(asked: tuple[str, tuple[str, ...]], text: Any, number: int) -> Told:
    if text is None:
        return Told(*asked, "", False)
    if not isinstance(text, str):
        raise Unplaced(f"message {number + 1} is no text")
    if text.endswith(CURSOR) and text != CURSOR:
        return Told(*asked, storable(text[: -len(CURSOR)]), False)
    return Told(*asked, storable(text), True)


def _with_images(said: Said, images: Any) -> Said:
    """Give the images their names. Where marks and names do not match, the last marks are taken for the images'."""
    listed = images if isinstance(images, list) else []
    names = [name for name in listed if isinstance(name, str) and _MD5.fullmatch(name)]
    marks = [len(turn.images) for turn in said.turns]
    if len(names) == sum(marks):
        following = iter(names)
        turns = [turn._replace(images=tuple(next(following) for _ in turn.images)) for turn in said.turns]
        return replace(said, turns=turns)
    bare = said.bare()
    for place in range(len(marks) - 1, -1, -1):
        number = min(marks[place], len(names))
        if number:
            bare.turns[place] = bare.turns[place]._replace(images=tuple(names[-number:]))
            del names[-number:]
    last = bare.turns[-1]
    bare.turns[-1] = last._replace(images=(*names, *last.images))
    return bare


def _streamlit(fields: Mapping[str, Any], rest: dict[str, Any]) -> Said:
    messages, turns, filenames = fields["messages"], [], []
    asked: tuple[str, tuple[str, ...]] | None = None
    if not messages:
        raise Unplaced("there are no messages")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise Unplaced(f"message {number + 1} has no content")
        if message.get("role") != ("assistant" if asked else "user"):
            raise Unplaced(f"the roles of messages do not take turns: message {number + 1}")
        if "filenames" in message:
            filenames.append([number, message["filenames"]])
        if asked is None:
            asked = storable(message["content"]), _named(message.get("filenames"))
        else:
            turns.append(_turn(asked, message["content"], number))
            asked = None
    if asked is not None:
        turns.append(Told(*asked, "", False))
    if filenames:
        rest[FILE_NAMES] = filenames
    model = _model(fields.get("model"), "model")
    return Said(model, turns, "", f"{LogSource.STREAMLIT} {model}", "", "", ("user", "assistant"), ("", ""))


def _named(filenames: Any) -> tuple[str, ...]:
    """Give the names of image files, which are MD5s, without folders and endings."""
    if not isinstance(filenames, list):
        return ()
    stems = [re.split(r"[/\\]", name)[-1].split(".")[0] for name in filenames if isinstance(name, str)]
    return tuple(stem for stem in stems if _MD5.fullmatch(stem))


def _model(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise Unplaced(f"{name} is no name: {short(value)}")
    if len(value) > MOST_NAME_CHARACTERS:
        raise Unplaced(f"{name} has more than {MOST_NAME_CHARACTERS} characters")
    return value


def storable(text: str) -> str:
    """Put U+FFFD in place of what no database takes: NUL, halves of surrogates."""
    return _UNSTORABLE.sub("\ufffd", text)


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
