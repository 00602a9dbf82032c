"""Tell at a terminal how far long work is."""

import sys
import time

PROGRESS_SECONDS = 0.2
BAR_CHARACTERS = 24


class Bar:
    """Tell on standard error, a few times a second, how far `what` is."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._told = time.monotonic()
        self._line = ""

    def __call__(self, done: int, total: int, counted: str = "") -> None:
        """Draw the bar; `counted` stands instead of the two numbers where those are not what people count."""
        now = time.monotonic()
        share = min(done / total, 1.0) if total else 1.0
        filled = round(share * BAR_CHARACTERS)
        self._line = f"[{'█' * filled}{'·' * (BAR_CHARACTERS - filled)}] {share:4.0%}  " + (
            counted or f"{done:,} of {total:,} {self._what}  {self.speed(done):,.0f}/s"
        )
        if now - self._told > PROGRESS_SECONDS:
            self._told = now
            self.say(self._line, end="")

    def speed(self, done: int) -> float:
        return done / max(time.monotonic() - self._began, 0.001)

    def say(self, text: str, end: str = "\n") -> None:
        print(f"\r{text}\x1b[K", end=end, file=sys.stderr, flush=True)  # noqa: T201

    def end(self) -> None:
        if self._line:
            self.say(self._line)
