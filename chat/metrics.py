"""What this process counts for its host, and the few calls that count it; docs/monitoring.md tells what each means.

Nothing here is called for each token: characters are added with each flush, the rest a few times a reply, and
what can be counted when somebody asks is counted then.
"""

import asyncio
import uuid
from collections import Counter as Counts
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

MOST_WORKERS = 200  # by name; addresses come and go, and each stays in memory and in every answer
LOOK_SECONDS = 0.5
FIRST_TEXT = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60)
CHECK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
WHOLE = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
LATE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

disable_created_metrics()  # they would double the number of series to tell when each began
registry = CollectorRegistry()
ProcessCollector(registry=registry)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"mmchat_{name}", text, labels, registry=registry)


def _histogram(name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
    return Histogram(f"mmchat_{name}", text, labels, registry=registry, buckets=tuple(buckets))


_info = Gauge("mmchat_info", "The version that runs.", ["version"], registry=registry)
_accepted = _counter("replies_accepted", "Replies that a visitor asked for and that were stored.")
_ended = _counter("replies_ended", "Replies that ended, by how and where.", "state", "code", "worker")
_failures = _counter("worker_failures", "Replies that a worker failed.", "worker", "code")
_frames = _counter("worker_frames", "Frames of text that workers sent.", "worker")
_characters = _counter("reply_characters", "Characters by which the texts of replies grew.")
_refused = _counter("frames_refused", "Frames from browsers that were refused.", "code")
_resumes = _counter("resumes", "Pages that came back holding text, by what they lacked.", "outcome")

_queued = _histogram("queue_seconds", "From accepted until the first worker is asked.", FIRST_TEXT)
_first_text = _histogram("first_text_seconds", "From accepted until the first text is here.", FIRST_TEXT)
_worker_first_text = _histogram(
    "worker_first_text_seconds", "From asking a worker until its first text.", FIRST_TEXT, "worker"
)
_whole = _histogram("reply_seconds", "From accepted to the end of the reply.", WHOLE)
_loop_late = _histogram("event_loop_late_seconds", "How much later than asked the event loop called.", LATE)
_checked = _counter(
    "moderation_decisions", "Decisions of content checks.", "check", "stage", "outcome", "dry_run"
)
_check_time = _histogram("moderation_seconds", "What a content check took.", CHECK, "check")
_workers: set[str] = set()


def _worker(address: str) -> str:
    """Give a worker's label; after too many of them one for all that follow."""
    if address and address not in _workers:
        if len(_workers) >= MOST_WORKERS:
            return "other"
        _workers.add(address)
    return address


def tell_version(version: str) -> None:
    _info.labels(version).set(1)


# What is counted when somebody asks


class Process(Protocol):
    """What is read of the engine; from another thread, so each in one step."""

    draining: bool

    def number_of_sockets(self) -> int: ...

    def reply_states(self) -> list[str]: ...

    def open_breakers(self) -> list[str]: ...


class _Now(Collector):
    process: Process | None = None

    def collect(self) -> Iterable[Metric]:
        draining = GaugeMetricFamily("mmchat_draining", "1 while this process ends and takes no new replies.")
        sockets = GaugeMetricFamily("mmchat_sockets", "Open pages.")
        text = "Replies that wait or run in this process, by state."
        replies = GaugeMetricFamily("mmchat_replies", text, labels=["state"])
        text = "1 while a worker that failed gets no replies, but one on trial."
        breakers = GaugeMetricFamily("mmchat_breaker_open", text, labels=["worker"])
        if process := self.process:
            draining.add_metric([], process.draining)
            sockets.add_metric([], process.number_of_sockets())
            states = Counts(process.reply_states())
            for state in ("queued", "streaming"):
                replies.add_metric([state], states[state])
            for worker in sorted({_worker(address) for address in process.open_breakers()}):
                breakers.add_metric([worker], 1)
        return draining, sockets, replies, breakers


_now = _Now()
registry.register(_now)


async def watch(process: Process) -> None:
    """Count what `process` holds when somebody asks, and how late the event loop is, until cancelled."""
    _now.process = process
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
        _loop_late.observe(max(0.0, loop.time() - due))


# A reply's life; times in seconds


def reply_accepted() -> None:
    _accepted.inc()


def reply_sent(waited: float) -> None:
    _queued.observe(waited)


def first_text(address: str, since_accepted: float, since_sent: float) -> None:
    _first_text.observe(since_accepted)
    _worker_first_text.labels(_worker(address)).observe(since_sent)


def text_grew(characters: int) -> None:
    _characters.inc(characters)


def worker_sent(address: str, frames: int) -> None:
    _frames.labels(_worker(address)).inc(frames)


def worker_failed(address: str, code: str) -> None:
    _failures.labels(_worker(address), code).inc()


def reply_ended(state: str, code: str, address: str, seconds: float | None = None) -> None:
    """Count a reply's end; `seconds` since it was accepted, None where this process did not see that."""
    _ended.labels(state, code, _worker(address)).inc()
    if seconds is not None:
        _whole.observe(seconds)


def checked(check: str, stage: str, outcome: str, seconds: float, *, dry_run: bool) -> None:
    """Count what a content check decided, and the seconds that it took."""
    _checked.labels(check, stage, outcome, "true" if dry_run else "false").inc()
    _check_time.labels(check).observe(seconds)


# Sockets

NOTHING_MISSING, REST, WHOLE_AGAIN, GAP = "nothing_missing", "rest", "whole_again", "gap"
_OUTCOMES = (NOTHING_MISSING, REST, WHOLE_AGAIN, GAP)  # the worst last
for _outcome in _OUTCOMES:
    _resumes.labels(_outcome)


class Shown(Protocol):
    """What is read of a message that a page is sent."""

    id: uuid.UUID
    epoch: int
    offset: int
    text: str


def frame_refused(code: str) -> None:
    _refused.labels(code).inc()


def resumed(held: Mapping[uuid.UUID, tuple[int, int]], messages: Iterable[Shown]) -> None:
    """Count a page that came back holding `{message: (epoch, offset)}` and is sent `messages`."""
    if held:
        _resumes.labels(resume_outcome(held, messages)).inc()


def resume_outcome(held: Mapping[uuid.UUID, tuple[int, int]], messages: Iterable[Shown]) -> str:
    """Tell what a page lacked; the worst of its messages counts.

    `gap`: it holds text that the site has lost. `whole_again`: a text was taken back meanwhile and is sent anew.
    `rest`: it gets the end of a text, or messages that it does not know.
    """
    lacks = [_lack(held.get(message.id), message) for message in messages]
    return max(lacks, key=_OUTCOMES.index, default=NOTHING_MISSING)


def _lack(held: tuple[int, int] | None, message: Shown) -> str:
    if held is None:
        return REST
    epoch, offset = held
    if epoch != message.epoch:
        return WHOLE_AGAIN
    if message.offset < offset:
        return GAP
    return REST if message.text else NOTHING_MISSING
