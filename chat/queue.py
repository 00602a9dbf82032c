"""Who starts next: admission of waiting replies, on the database, for all processes of the site together."""

import datetime
import functools
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max
from django.utils import timezone

from chat.models import Message, ReplyState
from chat.workers.protocols import PROTOCOLS

RECENT = 50
_LOCK = 0x6D6D63686174  # any number that is ours; PostgreSQL keeps one lock under it


class Waiting(NamedTuple):
    reply: uuid.UUID
    visitor: uuid.UUID
    model: str
    owner: uuid.UUID | None
    created: datetime.datetime
    may_start_at: Collection[str] | None = None  # as its owner wrote it down; None when it is not in line yet


class Ready(NamedTuple):
    """A reply that may start: its model, and the workers that have failed it already."""

    model: str
    tried: Collection[str] = ()


class Candidate(NamedTuple):
    """A worker that may take replies: as many as its own limit allows, or `uses` of them."""

    address: str
    queue_length: int = 0  # as the worker said it last
    speed: float = 1.0
    uses: int | None = None
    limit: int | None = None  # replies at once; None: the site's for workers
    protocol: str = "llava"  # in which it is spoken to
    key_variable: str = ""  # whose value it wants as a key

    @property
    def continues(self) -> bool:
        """Tell whether it goes on from a reply that broke off."""
        return PROTOCOLS[self.protocol].continues

    @classmethod
    def each_once(cls, named: Iterable["Candidate"]) -> "list[Candidate]":
        """Make candidates of those that a controller named, each for one request."""
        return [candidate._replace(uses=uses) for candidate, uses in Counter(named).items()]


@dataclass
class Admission:
    """What one pass over the queue decided for the replies of one process."""

    started: list[tuple[uuid.UUID, str]] = field(default_factory=list)  # reply, worker address
    positions: dict[uuid.UUID, int] = field(default_factory=dict)  # reply, place from 1
    places: int = 0  # how many replies can run at once, as far as is known


class Turns(NamedTuple):
    """What visitors who wait have had: replies that run, and when the last one ended at its worker."""

    running: Mapping[uuid.UUID, int] = {}
    ended: Mapping[uuid.UUID, datetime.datetime] = {}


def in_turns(waiting: Sequence[Waiting], had: Turns) -> list[Waiting]:
    """Order waiting replies, oldest first in `waiting`, so that visitors take turns.

    A visitor's n-th reply, those already running counted, comes after everybody's replies before the n-th. Whose
    turn has just ended waits from then on: that he has nothing running any more makes him nobody's first.
    """
    seen: Counter[uuid.UUID] = Counter(had.running)
    ranked = []
    for place, item in enumerate(waiting):
        since = max(item.created, had.ended.get(item.visitor, item.created))
        ranked.append((seen[item.visitor], since, place, item))
        seen[item.visitor] += 1
    return [item for _, _, _, item in sorted(ranked, key=lambda entry: entry[:3])]


def admit(
    owner: uuid.UUID,
    ready: Mapping[uuid.UUID, Ready],
    candidates: Mapping[str, Sequence[Candidate]],
) -> Admission:
    """Start as many of the replies `ready`, of process `owner`, as the limits allow.

    `candidates` gives the workers of each model. A reply starts where the site has a place and a worker has
    one, at the worker with the least to do for its speed; the order is that of `in_turns` over all processes.
    Which workers a waiting reply could start at is written down with it, so that a place that it can take now
    is left to it by the other processes.
    """
    with transaction.atomic():
        _lock("pg_advisory_xact_lock")
        on_worker, owners = _census()
        # Where no other process has anything in line, and there is a place for each, no order matters.
        if owners <= {owner} and (started := _start_all(owner, ready, _Places(on_worker.copy(), candidates))):
            return started
        places = _Places(on_worker, candidates)
        waiting = [item for item in _waiting() if item.owner != owner or item.reply in ready]
        result = Admission(
            started=_started(owner, ready.keys() - {item.reply for item in waiting}), places=places.most()
        )
        in_line = 0
        chosen: dict[str, list[uuid.UUID]] = {}
        changed: dict[tuple[str, ...], list[uuid.UUID]] = {}
        for item in in_turns(waiting, _turns(waiting)):
            if item.owner != owner:
                in_line += 1
                if item.owner is not None:
                    places.leave(item.may_start_at or ())
                continue
            worker = places.take(item.model, ready[item.reply].tried)
            if worker is None:
                in_line += 1
                result.positions[item.reply] = in_line
                usable = places.usable(item.model, ready[item.reply].tried)
                if usable != tuple(item.may_start_at or ()):
                    changed.setdefault(usable, []).append(item.reply)
            else:
                chosen.setdefault(worker.address, []).append(item.reply)
        for usable, replies in changed.items():
            Message.objects.filter(pk__in=replies).update(may_start_at=usable)
        for address, replies in chosen.items():
            result.started += _start(owner, address, replies)
    return result


def place_at_once(model: str, workers: Sequence[Candidate], *, goes_on: bool = False) -> Candidate | None:
    """Take a place for a reply that is about to be stored, in its transaction, and give its worker.

    With `goes_on` the reply goes on from another, which not every worker can.

    None where somebody waits, another process gives out places just now, or none is free: then it joins the line.
    Being admitted there costs a transaction more, which is a third of what the start of a reply costs.
    """
    workers = [worker for worker in workers if worker.continues or not goes_on]
    if not workers or not _lock("pg_try_advisory_xact_lock"):
        return None
    on_worker, owners = _census()
    return None if owners else _Places(on_worker, {model: workers}).take(model, ())


def _lock(function: str) -> bool:
    """Take the lock of all admissions until the commit; SQLite has one writer anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_LOCK])
        return cursor.fetchone() != (False,)


def _census() -> tuple[Counter[str], set[uuid.UUID | None]]:
    """Count the replies at each worker, and give the processes that have replies in line."""
    on_worker: Counter[str] = Counter()
    owners: set[uuid.UUID | None] = set()
    with connection.cursor() as cursor:
        cursor.execute(*_census_query())
        for state, owner, worker, number in cursor.fetchall():
            if state == ReplyState.STREAMING:
                on_worker[worker] += number
            else:
                owners.add(owner if owner is None else uuid.UUID(str(owner)))  # SQLite has no ids, only text
    return on_worker, owners


@functools.cache
def _census_query() -> tuple[str, tuple[Any, ...]]:
    """Give the SQL of the census: put together for each reply, it would cost three times what it takes to run."""
    live = Message.objects.live().order_by().values_list("state", "owner", "worker")
    return live.annotate(Count("pk")).query.sql_with_params()


def _start_all(owner: uuid.UUID, ready: Mapping[uuid.UUID, Ready], places: "_Places") -> Admission | None:
    """Start all replies where there is a place for each; else none, and give None.

    It is the usual case, and spares it to read the whole line with its visitors.
    """
    chosen: dict[str, list[uuid.UUID]] = {}
    for reply, (model, tried) in ready.items():
        worker = places.take(model, tried)
        if worker is None:
            return None
        chosen.setdefault(worker.address, []).append(reply)
    result = Admission(places=places.most())
    for address, replies in chosen.items():
        result.started += _start(owner, address, replies)
    return result


def places_in_line() -> dict[uuid.UUID, int]:
    """Give the place of each waiting reply in the line of the whole site, from 1."""
    waiting = _waiting()
    return {item.reply: place for place, item in enumerate(in_turns(waiting, _turns(waiting)), 1)}


def _waiting() -> list[Waiting]:
    """Read all waiting replies, the oldest first."""
    rows = Message.objects.live().filter(state=ReplyState.QUEUED, stop_requested=False)
    columns = rows.values_list(
        "pk", "conversation__visitor_id", "model__name", "owner", "created", "may_start_at"
    )
    return [Waiting(*row) for row in columns.order_by("created", "pk")]


def _turns(waiting: Sequence[Waiting]) -> Turns:
    """Read the turns of each visitor who waits; one who waits alone needs no order."""
    if len(waiting) < 2:
        return Turns()
    theirs = Message.objects.replies().filter(conversation__visitor_id__in={item.visitor for item in waiting})
    by_visitor = theirs.order_by().values_list("conversation__visitor_id")
    running = by_visitor.filter(state=ReplyState.STREAMING).annotate(Count("pk"))
    # One that ended before the oldest came changes nothing; one that was stopped in line was no turn.
    ended = by_visitor.filter(finished__gt=waiting[0].created, sent__isnull=False).annotate(Max("finished"))
    return Turns(dict(running), dict(ended))


def _started(owner: uuid.UUID, replies: Collection[uuid.UUID]) -> list[tuple[uuid.UUID, str]]:
    """Give those of the replies that have started; when a connection is lost their process may not know yet."""
    if not replies:
        return []
    rows = Message.objects.live().filter(pk__in=replies, state=ReplyState.STREAMING, owner=owner)
    return list(rows.values_list("pk", "worker"))


def _start(owner: uuid.UUID, address: str, replies: list[uuid.UUID]) -> list[tuple[uuid.UUID, str]]:
    """Let replies start at a worker; give those that have started with their worker's address."""
    waiting = Message.objects.filter(
        pk__in=replies, state=ReplyState.QUEUED, owner=owner, stop_requested=False
    )
    if waiting.update(state=ReplyState.STREAMING, worker=address, sent=timezone.now()) == len(replies):
        return [(reply, address) for reply in replies]
    return _started(owner, replies)


class _Places:
    """Where replies can start during one admission."""

    def __init__(self, on_worker: Counter[str], candidates: Mapping[str, Sequence[Candidate]]) -> None:
        self._on_worker = on_worker
        self._left = settings.MMCHAT_CONCURRENCY_COUNT - on_worker.total()
        self._candidates = candidates
        self._limits = {
            each.address: each.limit for workers in candidates.values() for each in workers if each.limit
        }
        self._used: Counter[tuple[str, str]] = Counter()

    def most(self) -> int:
        """Tell how many replies the site and the known workers can run at once."""
        addresses = {each.address for workers in self._candidates.values() for each in workers}
        return min(
            settings.MMCHAT_CONCURRENCY_COUNT,
            sum(self._limit(address) for address in addresses | self._on_worker.keys()),
        )

    def take(self, model: str, tried: Collection[str]) -> Candidate | None:
        """Take a place for a reply and give its worker; None when there is none."""
        if self._left <= 0:
            return None
        free = [
            each
            for each in self._candidates.get(model, ())
            if each.address not in tried
            and self._has_room(each.address)
            and (each.uses is None or self._used[model, each.address] < each.uses)
        ]
        if not free:
            return None
        chosen = min(free, key=self._load)
        self._left -= 1
        self._on_worker[chosen.address] += 1
        self._used[model, chosen.address] += 1
        return chosen

    def usable(self, model: str, tried: Collection[str]) -> tuple[str, ...]:
        """Give the workers, sorted, at which a reply could start if they had room."""
        return tuple(sorted({each.address for each in self._candidates.get(model, ())}.difference(tried)))

    def leave(self, addresses: Collection[str]) -> None:
        """Leave a place at one of these workers, if one has room, to another process."""
        free = [address for address in addresses if self._has_room(address)]
        if self._left > 0 and free:
            self._left -= 1
            self._on_worker[min(free, key=self._on_worker.__getitem__)] += 1

    def _has_room(self, address: str) -> bool:
        return self._on_worker[address] < self._limit(address)

    def _limit(self, address: str) -> int:
        return self._limits.get(address, settings.MMCHAT_WORKER_CONCURRENCY)

    def _load(self, worker: Candidate) -> float:
        return max(worker.queue_length, self._on_worker[worker.address]) / worker.speed


def recent_seconds() -> float | None:
    """Give how long recent replies took at their workers, on average; None while there are none."""
    ended = Message.objects.replies().filter(state__in=(ReplyState.COMPLETE, ReplyState.STOPPED))
    seconds = [
        (finished - sent).total_seconds()
        for sent, finished in ended.order_by("-created").values_list("sent", "finished")[:RECENT]
        if sent and finished
    ]
    # Others ran while somebody set the clock.
    possible = [each for each in seconds if 0 <= each <= settings.MMCHAT_REPLY_TIMEOUT]
    return sum(possible) / len(possible) if possible else None
