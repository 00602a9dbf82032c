"""What one look found."""

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """How well something is: a warning leaves the site working, what is wrong does not."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Finding(NamedTuple):
    """What was found of one thing; `mend` is the next step, empty where there is none to take. Never holds a secret."""

    state: State
    text: str
    mend: str = ""


def ok(text: str) -> Finding:
    return Finding(State.OK, text)


def warning(text: str, mend: str) -> Finding:
    return Finding(State.WARNING, text, mend)


def wrong(text: str, mend: str) -> Finding:
    return Finding(State.WRONG, text, mend)


def in_a_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
