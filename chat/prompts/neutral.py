"""Keep what people type from being read as control strings."""

import re
from collections.abc import Iterable
from functools import lru_cache

ZERO_WIDTH_SPACE = "\u200b"
IMAGE = "<image>"


@lru_cache(maxsize=64)
def _starts(control: tuple[str, ...]) -> re.Pattern[str]:
    """Match the first character of any control string, looking ahead for the rest.

    Only that character is consumed, so strings that overlap are each found; branches that begin with a
    literal let the regex engine skip ordinary text quickly.
    """
    tails: dict[str, list[str]] = {}
    for string in control:
        tails.setdefault(string[0], []).append(re.escape(string[1:]))
    return re.compile("|".join(f"{re.escape(head)}(?={'|'.join(rest)})" for head, rest in tails.items()))


def neutralise(text: str, control: Iterable[str]) -> str:
    """Put U+200B after the first character of each control string in a text.

    No control string holds U+200B, so none can appear through the insertion itself.
    """
    return _starts(tuple(control)).sub(lambda found: found[0] + ZERO_WIDTH_SPACE, text)
