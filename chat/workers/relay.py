"""Pass on a worker's newest text at a steady pace, and watch the clock."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from .errors import (
    WorkerEmpty,
    WorkerError,
    WorkerHtml,
    WorkerSilent,
    WorkerStalled,
    WorkerTextTooLarge,
    WorkerTooLong,
    excerpt,
)
from .protocols import Chunk, Reader

MAX_TEXT = 1_000_000
# Deliveries that can wait fall on common ticks, so that the loop wakes once for many replies; in seconds.
TICK = 0.01


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Hold time limits in seconds.

    `connect` includes resolving the name; `first_token` runs from the call to the first reply text that is
    not blank; `silence` between two frames after that; `whole` from the call to the end of the body.
    """

    connect: float = 10
    first_token: float = 60
    silence: float = 30
    whole: float = 1800


def _tick(moment: float) -> float:
    """Give the last tick that is common to all replies, up to a moment of the loop's clock."""
    return moment // TICK * TICK


class Relay:
    """Take a body's bytes and deliver its newest text, at most once per `pace` seconds (less a tick).

    The first text that is not blank is delivered at once, text that did not change is not delivered again,
    and the last frame of the body is always judged. Two timers at most are armed: one for the trailing
    delivery and one for the time limits, which is moved only when it fires, so a token costs no timer.
    What goes wrong inside a timer is given to `fail`.
    """

    def __init__(
        self,
        reader: Reader,
        on_chunk: Callable[[Chunk], None],
        fail: Callable[[Exception], None],
        *,
        timeouts: Timeouts,
        pace: float,
        max_text: int = MAX_TEXT,
    ) -> None:
        self._reader = reader
        self._on_chunk, self._fail = on_chunk, fail
        self._timeouts, self._pace, self._max_text = timeouts, pace, max_text
        self._loop = asyncio.get_running_loop()
        self.last: Chunk | None = None  # that was read, delivered or not
        self._delivered: Chunk | None = None
        self._seen_bytes = False
        self._read_at = 0.0
        self._trailing: asyncio.TimerHandle | None = None
        self._began_at = self._framed_at = self._loop.time()
        self._watch: asyncio.TimerHandle = self._loop.call_at(self._deadline()[0], self._on_deadline)

    @property
    def frames(self) -> int:
        """Tell how many frames have come."""
        return self._reader.frames

    @property
    def ended(self) -> bool:
        """Tell whether the body has said that nothing follows."""
        return self._reader.ended

    def feed(self, data: bytes) -> None:
        """Take bytes of the body. Raises a WorkerError; frames completed before it wait for `flush`."""
        if not self._seen_bytes:
            self._look_for_html(data)
        if not self._reader.feed(data):
            return
        now = self._framed_at = self._loop.time()
        if self._delivered is None or now >= self._read_at + self._pace:
            self._cancel_trailing()
            self._read(self._reader.newest)
        elif self._trailing is None:
            self._trailing = self._loop.call_at(_tick(self._read_at + self._pace), self._on_trailing)

    def finish(self) -> None:
        """Judge the last frame after the body ended well. Raises a WorkerError."""
        self._cancel_trailing()
        self._read(self._reader.finish)
        if not self.frames:
            raise WorkerEmpty("the body held no frame")
        if self._delivered is None or not self._delivered.text.strip():
            raise WorkerEmpty("the last frame held no reply text")

    def flush(self) -> None:
        """Deliver what no delivery has covered yet. Raises a WorkerError when that frame is bad."""
        self._cancel_trailing()
        self._read(self._reader.newest)

    def close(self) -> None:
        """Cancel the timers, and let go of what was read."""
        self._cancel_trailing()
        self._watch.cancel()
        self._reader.clear()

    def _read(self, chunk_of: Callable[[], Chunk | None]) -> None:
        try:
            chunk = chunk_of()
        except WorkerError:
            # The text before a bad frame is kept, even when both came in one read.
            with contextlib.suppress(WorkerError):
                if before := self._reader.previous():
                    self._deliver(before)
            raise
        if chunk is not None:
            self._read_at = self._loop.time()
            self._deliver(chunk)

    def _deliver(self, chunk: Chunk) -> None:
        self.last = chunk
        if len(chunk.text) > self._max_text:
            self._on_chunk(Chunk(chunk.text[: self._max_text]))
            raise WorkerTextTooLarge(f"the reply is longer than {self._max_text} characters")
        if self._delivered is None:
            if not chunk.text.strip():
                return
            # From here on silence counts, which may end sooner than the wait for the first token.
            self._delivered = chunk
            self._watch.cancel()
            self._watch = self._loop.call_at(self._deadline()[0], self._on_deadline)
        elif chunk.text == self._delivered.text:
            return
        self._delivered = chunk
        self._on_chunk(chunk)

    def _look_for_html(self, data: bytes) -> None:
        head = data.lstrip()
        self._seen_bytes = bool(head)
        if head.startswith(b"<"):
            raise WorkerHtml(excerpt(data[:2000]))

    def _deadline(self) -> tuple[float, WorkerError]:
        """Return when the next limit is reached, in the loop's time, and the error that it then is."""
        limits = self._timeouts
        whole_at = self._began_at + limits.whole
        if self._delivered is None:
            next_at, error = self._began_at + limits.first_token, f"no text within {limits.first_token:g} s"
            if next_at <= whole_at:
                return next_at, WorkerSilent(error)
        else:
            next_at, error = self._framed_at + limits.silence, f"no frame for {limits.silence:g} s"
            if next_at <= whole_at:
                return next_at, WorkerStalled(error)
        return whole_at, WorkerTooLong(f"not at its end after {limits.whole:g} s")

    def _on_deadline(self) -> None:
        deadline, error = self._deadline()
        if self._loop.time() >= deadline:
            self._fail(error)
        else:
            self._watch = self._loop.call_at(deadline, self._on_deadline)

    def _on_trailing(self) -> None:
        self._trailing = None
        try:
            self._read(self._reader.newest)
        # The reader must end with whatever happened here: a timer has no caller to raise it to.
        except Exception as error:
            self._fail(error)

    def _cancel_trailing(self) -> None:
        if self._trailing is not None:
            self._trailing.cancel()
            self._trailing = None
