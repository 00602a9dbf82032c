"""What a run's arrivals mean: delays of tokens, first tokens, streams at once."""

import math
from collections.abc import Sequence

from benchmarks.clock import TOKEN_CHARACTERS, delay_ms
from benchmarks.visitors import Received


def quantile(values: Sequence[float], share: float) -> float | None:
    """Give the smallest value that at least `share` of all are no greater than (nearest rank); None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def token_delays(received: Received) -> list[float]:
    """Give for each token the milliseconds from the worker's write to the client's read.

    A token counts as read when its last character is. Raises `KeyError` when the text is not the clock's.
    """
    delays: list[float] = []
    for arrival in received.arrivals:
        while (end := len(delays) * TOKEN_CHARACTERS + TOKEN_CHARACTERS - 1) <= arrival.length:
            delays.append(delay_ms(received.text[end - TOKEN_CHARACTERS + 1 : end], arrival.read_ns))
    return delays


def most_at_once(spans: Sequence[tuple[int, int]]) -> int:
    """Give how many of the spans (begin, end) overlap at most."""
    moments = sorted(
        [(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans], key=lambda m: (m[0], -m[1])
    )
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most
