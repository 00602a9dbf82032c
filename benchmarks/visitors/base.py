"""What every visitor does, and what it gives after a run.

A visitor notes when it read what, raw; what that means is worked out after the run, so that reading stays cheap.
"""

from typing import NamedTuple, Protocol


class Arrival(NamedTuple):
    """At `read_ns` the client held `length` characters of the reply."""

    read_ns: int
    length: int


class Received(NamedTuple):
    arrivals: list[Arrival]
    text: str


class Visitor(Protocol):
    """One visitor of one server. `open` comes before the measured time, `upload` and `ask` are in it.

    Whoever asks again goes on with the conversation; `accepted_ns` and `received` are of the last question.
    """

    accepted_ns: int | None  # when the server said that it has the question; None where it never says so

    async def open(self) -> None: ...
    async def upload(self, picture: bytes) -> None: ...
    async def ask(self, text: str) -> None: ...
    def received(self) -> Received: ...
    async def close(self) -> None: ...
