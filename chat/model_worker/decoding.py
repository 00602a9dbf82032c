"""Turn tokens into text one by one, without decoding the whole reply for each."""

from collections.abc import Callable, Collection, Sequence

# Special tokens that a reader wants: the page draws the places they mark.
PLACES = tuple(
    f"{start}{name}{end}"
    for name in ("ref", "box", "quad")
    for start, end in (("<", ">"), ("</", ">"))
) + tuple(
    f"<|{name}_{side}|>" for name in ("object_ref", "box", "quad") for side in ("start", "end")
)  # fmt: skip
_UNFINISHED = "\ufffd"


class Decoding:
    """The text of a reply's tokens so far.

    `decode` turns tokens into text, `left_out` are tokens that are no text. A token may depend on the one before
    it (a space) or be a part of a character, so a few tokens are decoded again with each, never all of them.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], left_out: Collection[int]) -> None:
        self._decode = decode
        self._left_out = left_out
        self._tokens: list[int] = []
        self._from = 0  # where the tokens that are decoded again begin
        self._told = 0  # up to where tokens are in the text

    def add(self, token: int) -> str:
        """Take one more token; give what it adds to the text, which is nothing within a character."""
        if token in self._left_out:
            return ""
        self._tokens.append(token)
        before = self._decode(self._tokens[self._from : self._told])
        after = self._decode(self._tokens[self._from :])
        if len(after) <= len(before) or after.endswith(_UNFINISHED):
            return ""
        self._from, self._told = self._told, len(self._tokens)
        return after[len(before) :]

    def whole(self) -> str:
        """Give the text of all tokens, decoded at once."""
        return self._decode(self._tokens)
