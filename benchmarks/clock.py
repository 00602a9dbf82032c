"""Tokens that tell when they were written, so that any client can say how long they were under way."""

import time

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKEN_CHARACTERS = 5  # a space and four digits: as long as a token of English text
UNIT_NS = 10_000
WRAP = len(ALPHABET) ** 4  # units; 148 s, far longer than anything waits here

_DIGITS = {character: value for value, character in enumerate(ALPHABET)}


def token(now_ns: int) -> str:
    """Write CLOCK_MONOTONIC, which all processes of a machine share, as a word of four digits."""
    units = now_ns // UNIT_NS % WRAP
    digits = ""
    for _ in range(4):
        units, digit = divmod(units, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return " " + digits


def now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def delay_ms(word: str, read_ns: int) -> float:
    """Give the milliseconds from the writing of `word` (four digits, no space) to `read_ns`.

    Raises `KeyError` for anything that `token` did not write.
    """
    written = 0
    for character in word:
        written = written * len(ALPHABET) + _DIGITS[character]
    return (read_ns // UNIT_NS - written) % WRAP * UNIT_NS / 1e6
