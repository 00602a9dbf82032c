"""Split a text into what passes for a demo worker's tokens."""

import re

_PIECE = re.compile(r"\s+|\S{1,12}\s*")


def pieces(text: str) -> list[str]:
    """Split a text into words (12 characters of a long one), each with the space after it."""
    return _PIECE.findall(text)
