"""What one run of one client gave, worked out after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.clock import TOKEN_CHARACTERS
from benchmarks.measures import lateness, most_at_once, quantile, token_times
from benchmarks.visitors.base import Received


@dataclass
class Asked:
    """One visitor's question: its times in nanoseconds of CLOCK_MONOTONIC, and what came."""

    received: Received
    asked_ns: int = 0
    accepted_ns: int | None = None
    upload_ms: float | None = None
    error: str | None = None


class Times(NamedTuple):
    """When the worker had a stream's request, and when it had written the first token."""

    request_ns: int
    token_ns: int


@dataclass
class Measured:
    """What one run of one client gave. Times in milliseconds; None where there is nothing to tell."""

    offered: int
    completed: int
    at_once: int
    tokens: int
    characters: int
    seconds: float
    upload_p50: float | None
    first_p50: float | None  # question to first text; None where half of the streams never began
    first_p99: float | None
    added_p50: float | None
    added_p99: float | None
    added_max: float | None
    worker_late_p99: float | None  # how late the worker wrote, beside its own timetable
    client_lag_p99: float | None  # how late this process's own loop was
    bytes_to_client: int | None
    steps: dict[str, float | None]
    errors: list[str]


class Steps:
    """From the question to the first text, taken apart: `p50` and `p99` of each step, ms.

    accepted: question to the server's word that it is kept, where it gives one; asked: question to the worker's
    getting it; worker: from there to its first token; back: from there to the client; site: all but the worker's.
    """

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = {
            step: [] for step in ("accepted", "asked", "worker", "back", "site")
        }

    def add(self, stream: Asked, worker: Times | None, first_ns: int | None) -> None:
        if stream.accepted_ns is not None:
            self._add("accepted", stream.accepted_ns - stream.asked_ns)
        if worker and first_ns is not None:
            self._add("asked", worker.request_ns - stream.asked_ns)
            self._add("worker", worker.token_ns - worker.request_ns)
            self._add("back", first_ns - worker.token_ns)
            self._add("site", first_ns - stream.asked_ns - (worker.token_ns - worker.request_ns))

    def _add(self, step: str, nanoseconds: int) -> None:
        self._times[step].append(nanoseconds / 1e6)

    def quantiles(self) -> dict[str, float | None]:
        return {
            f"{step}_{name}": quantile(times, share)
            for step, times in self._times.items()
            for name, share in (("p50", 0.5), ("p99", 0.99))
        }


def evaluate(
    streams: Sequence[Asked],
    worker: Mapping[int, Times],
    *,
    tokens: int | None,
    rate: float,
    seconds: float,
    lags: Sequence[float],
    counted: int | None = None,
) -> Measured:
    """Put together what was measured; `tokens` is None for replies in prose, which tell no times."""
    first: list[float] = []
    added: list[float] = []
    late: list[float] = []
    steps, spans, completed = Steps(), [], 0
    for number, stream in enumerate(streams):
        received = stream.received
        shown = [arrival.read_ns for arrival in received.arrivals if arrival.length]
        first.append((shown[0] - stream.asked_ns) / 1e6 if shown else float("inf"))
        if shown:
            spans.append((shown[0], shown[-1]))
        steps.add(stream, worker.get(number), shown[0] if shown else None)
        if tokens is None:
            completed += stream.error is None
            continue
        times = token_times(received)
        added += [each.delay_ms for each in times]
        late += lateness(times, rate)
        whole = len(times) == tokens and len(received.text) == tokens * TOKEN_CHARACTERS - 1
        completed += stream.error is None and whole
    return Measured(
        offered=len(streams),
        completed=completed,
        at_once=most_at_once(spans),
        tokens=len(added),
        characters=sum(len(each.received.text) for each in streams),
        seconds=seconds,
        upload_p50=quantile([each.upload_ms for each in streams if each.upload_ms is not None], 0.5),
        first_p50=_finite(quantile(first, 0.5)),
        first_p99=_finite(quantile(first, 0.99)),
        added_p50=quantile(added, 0.5),
        added_p99=quantile(added, 0.99),
        added_max=quantile(added, 1),
        worker_late_p99=quantile(late, 0.99),
        client_lag_p99=quantile(lags, 0.99),
        bytes_to_client=counted,
        steps=steps.quantiles(),
        errors=sorted({each.error for each in streams if each.error}),
    )


def _finite(value: float | None) -> float | None:
    return None if value == float("inf") else value
