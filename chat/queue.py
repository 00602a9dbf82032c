"""Who starts next: admission of waiting replies, on the database, for all processes of the site together."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from chat.models import Message, ReplyState

_LOCK = 0x6D6D63686174  # any number that is ours; PostgreSQL keeps one lock under it


class Waiting(NamedTuple):
    reply: uuid.UUID
    visitor: uuid.UUID
    model: str
    owner: uuid.UUID | None


@dataclass
class Admission:
    """What one pass over the queue decided for the replies of one process."""

    started: list[tuple[uuid.UUID, str]] = field(default_factory=list)  # reply, worker address
    positions: dict[uuid.UUID, int] = field(default_factory=dict)  # reply, place from 1


def in_turns(waiting: Sequence[Waiting], running: Mapping[uuid.UUID, int]) -> list[Waiting]:
    """Order waiting replies, oldest first in `waiting`, so that visitors take turns.

    A visitor's n-th reply, those already running counted, comes after everybody's replies before the n-th.
    """
    seen: Counter[uuid.UUID] = Counter(running)
    ranked = []
    for place, item in enumerate(waiting):
        ranked.append((seen[item.visitor], place, item))
        seen[item.visitor] += 1
    return [item for _, _, item in sorted(ranked, key=lambda entry: entry[:2])]


def admit(owner: uuid.UUID, ready: Set[uuid.UUID], candidates: Mapping[str, Sequence[str]]) -> Admission:
    """Start as many of the replies `ready`, of process `owner`, as the limits allow.

    `candidates` gives for a model the worker addresses that its backends chose, one for each reply that may
    start. A reply starts where the site has a place and its worker has one; the order is that of `in_turns`
    over all processes, so a place that another process's reply can take now is left to that process.
    """
    result = Admission()
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        live = list(
            Message.objects.live()
            .order_by("created", "pk")
            .values_list("pk", "conversation__visitor_id", "model__name", "owner", "state", "worker")
        )
        running = [row for row in live if row[4] == ReplyState.STREAMING]
        on_worker = Counter(row[5] for row in running)
        waiting = [
            Waiting(*row[:4])
            for row in live
            if row[4] == ReplyState.QUEUED and (row[3] != owner or row[0] in ready)
        ]
        places = settings.MMCHAT_CONCURRENCY_COUNT - len(running)
        left = {model: list(addresses) for model, addresses in candidates.items()}
        place = 0
        for item in in_turns(waiting, Counter(row[1] for row in running)):
            address = None
            if places > 0:
                address = _take(left.get(item.model, []), on_worker)
                if address and item.owner != owner:
                    places -= 1
                    on_worker[address] += 1
                    address = None
            if address is None:
                place += 1
                if item.owner == owner:
                    result.positions[item.reply] = place
                continue
            started = Message.objects.filter(
                pk=item.reply, state=ReplyState.QUEUED, stop_requested=False
            ).update(state=ReplyState.STREAMING, worker=address, sent=timezone.now())
            if started:
                places -= 1
                on_worker[address] += 1
                result.started.append((item.reply, address))
    return result


def _take(addresses: list[str], on_worker: Counter[str]) -> str | None:
    for address in addresses:
        if on_worker[address] < settings.MMCHAT_WORKER_CONCURRENCY:
            addresses.remove(address)
            return address
    return None
