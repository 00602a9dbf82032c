"""What a run's arrivals mean: delays of tokens, first tokens, streams at once."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.clock import TOKEN_CHARACTERS, delay_ms
from benchmarks.visitors.base import Received


def quantile(values: Sequence[float], share: float) -> float | None:
    """Give the smallest value that at least `share` of all are no greater than (nearest rank); None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


class TokenTimes(NamedTuple):
    """When a token was read, and how long it had been under way."""

    read_ns: int
    delay_ms: float


def token_times(received: Received) -> list[TokenTimes]:
    """Give the times of each token; it counts as read when its last character is.

    Raises `KeyError` when the text is not the clock's.
    """
    times: list[TokenTimes] = []
    for arrival in received.arrivals:
        while (end := len(times) * TOKEN_CHARACTERS + TOKEN_CHARACTERS - 1) <= arrival.length:
            word = received.text[end - TOKEN_CHARACTERS + 1 : end]
            times.append(TokenTimes(arrival.read_ns, delay_ms(word, arrival.read_ns)))
    return times


def lateness(times: Sequence[TokenTimes], rate: float) -> list[float]:
    """Give for each token how many milliseconds later than its rate promised it was written."""
    written = [each.read_ns / 1e6 - each.delay_ms for each in times]
    return [at - written[0] - number * 1000 / rate for number, at in enumerate(written)]


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
