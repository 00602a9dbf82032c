"""Give back a line of another server's log from what was stored of it.

A line is its shape (`LogShape`: the fields in order, with what the model's template says), the messages that lead to
its reply, and what the line alone says (`LogLine`). `fill` puts them together; the import holds each line against
it before anything is stored, and keeps a field as it was where they differ.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from feedback.exchange.llava import CURSOR, IMAGE

TIMES = ("tstamp", "start", "finish")
AFTER = "\n<image>"  # older LLaVA servers wrote the mark behind the text
_MARK = "<image>"
FILE_NAMES = "filenames of messages"  # in `rest`, where a field `filenames` of the line itself may stand too


class Told(NamedTuple):
    """One turn of a state: the visitor's text without marks of images, the images' names, the reply."""

    text: str
    images: tuple[str, ...]
    reply: str
    complete: bool


def fill(
    shape: Mapping[str, Any],
    times: Mapping[str, float | None],
    paths: Sequence[Sequence[Told]],
    ids: Sequence[str],
    ip: str,
    rest: Mapping[str, Any],
) -> dict[str, Any]:
    """Give a line's fields in its order. `paths` are the turns of its one or two states, `ids` their conversations'."""
    line = dict(shape["line"])
    line |= {name: times[name] for name in TIMES if name in line}
    if "ip" in line:
        line["ip"] = ip
    if "images" in line:
        line["images"] = [name for turn in paths[0] for name in turn.images]
    if "conversation_id" in line:
        line["conversation_id"] = ids[0]
    if "messages" in line:
        line["messages"] = _plain_messages(shape, paths[0])
    if line.get("state") is not None:  # a line of Streamlit's may have an empty one
        line["state"] = _state(shape, line["state"], paths[0], ids[0])
    if "states" in line:
        line["states"] = [
            _state(shape, state, path, name)
            for state, path, name in zip(line["states"], paths, ids, strict=True)
        ]
    return _with_rest(line, rest)


def question(told: Told, is_after: bool) -> str:
    """Give a visitor's text as LLaVA writes it, with a mark for each image."""
    if not told.images or told.text.count(_MARK) == len(told.images):
        return told.text
    return told.text + AFTER if is_after else IMAGE * len(told.images) + told.text


def reply(told: Told) -> str | None:
    if told.complete:
        return told.reply
    return told.reply + CURSOR if told.reply else None


def _state(
    shape: Mapping[str, Any], state: Mapping[str, Any], path: Sequence[Told], name: str
) -> dict[str, Any]:
    messages = list(state["messages"])  # the examples of the template
    roles = state["roles"]
    for told in path:
        asked: Any = question(told, shape["after"])
        if shape["pairs"]:
            asked = [told.text, list(told.images)] if told.images else told.text
        messages += [[roles[0], asked], [roles[1], reply(told)]]
    if shape["open"]:
        messages.pop()
    filled = {**state, "messages": messages}
    return filled | ({"conv_id": name} if "conv_id" in state else {})


def _plain_messages(shape: Mapping[str, Any], path: Sequence[Told]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    for told in path:
        messages.append({"role": "user", "content": told.text})
        messages.append({"role": "assistant", "content": reply(told)})
    if shape["open"]:
        messages.pop()
    return messages


def _with_rest(line: dict[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in rest.items():
        if name == FILE_NAMES:
            for place, names in value:
                line["messages"][place]["filenames"] = names
        elif name == "state":
            line["state"] |= value
        elif name == "states":
            for state, own in zip(line["states"], value, strict=True):
                state |= own
        else:
            line[name] = value
    return line
