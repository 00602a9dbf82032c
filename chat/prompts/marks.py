"""Find in what a model was sent the strings that it or its worker acts upon, and those that were kept from it."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from .neutral import ZERO_WIDTH_SPACE

# A special token in the way of most tokenizers of today.
_SPECIAL = r"<\|[^|<>\s]{1,40}\|>"

Kind = Literal["", "control", "defused", "hidden"]


class Piece(NamedTuple):
    """A part of a text: ordinary, a control string, one that `neutralise` kept from being one, or a bare U+200B."""

    text: str
    kind: Kind = ""


def pieces(text: str, control: Iterable[str]) -> list[Piece]:
    """Cut a text at its control strings, and at what looks like one; joined, the pieces are the text."""
    found, end = [], 0
    for match in _pattern(tuple(control)).finditer(text):
        if match.start() > end:
            found.append(Piece(text[end : match.start()]))
        found.append(Piece(match[0], match.lastgroup))  # type: ignore[arg-type]  # the groups are the kinds
        end = match.end()
    if end < len(text):
        found.append(Piece(text[end:]))
    return found


@lru_cache(maxsize=64)
def _pattern(control: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(control, key=len, reverse=True)
    # Another string may begin inside of one, and has its U+200B there.
    defused = [
        re.escape(string[0]) + ZERO_WIDTH_SPACE + f"{ZERO_WIDTH_SPACE}?".join(map(re.escape, string[1:]))
        for string in longest_first
    ]
    whole = [*map(re.escape, longest_first), _SPECIAL]
    return re.compile(
        f"(?P<defused>{'|'.join(defused) or '(?!)'})|(?P<control>{'|'.join(whole)})|(?P<hidden>{ZERO_WIDTH_SPACE}+)"
    )
