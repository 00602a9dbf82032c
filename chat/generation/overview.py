"""What runs now on the whole site, whichever process has it, and stopping it."""

import datetime
import uuid
from collections import Counter
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

from chat import queue
from chat.models import AuditEntry, CircuitBreaker, Message, ReplyState, ServerProcess

MOST = 200  # of each kind are shown


@dataclass(frozen=True)
class Running:
    """One live reply; `process` is None when the one that had it is gone."""

    reply: Message
    characters: int
    place: int | None  # in line, from 1
    seconds: float  # since it was sent to its worker; in line, since it was asked
    process: ServerProcess | None


@dataclass(frozen=True)
class Process:
    """One server process, and how many of the live replies are its own."""

    process: ServerProcess
    streaming: int
    queued: int


@dataclass(frozen=True)
class Overview:
    """The first of the live replies, those at workers before those in line, and how many there are."""

    at: datetime.datetime
    replies: list[Running]
    streaming: int
    queued: int
    processes: list[Process]
    breakers: list[CircuitBreaker]

    @property
    def left_out(self) -> int:
        return max(0, self.streaming + self.queued - len(self.replies))


def overview() -> Overview:
    """Read what runs now; as many queries for any number of replies."""
    now = timezone.now()
    live = Message.objects.live()
    by_owner = Counter((owner, state) for owner, state in live.order_by().values_list("owner", "state"))
    by_state = Counter(state for _, state in by_owner.elements())
    processes = list(ServerProcess.objects.order_by("host", "pid"))
    known = {process.pk: process for process in processes}
    places = queue.places_in_line()
    rows = live.select_related("model").annotate(characters=Length("text")).defer("text", "error_detail")
    at_workers = rows.filter(state=ReplyState.STREAMING).order_by("sent", "pk")[:MOST]
    # One that is being stopped has no place any more.
    first = Q(pk__in=sorted(places, key=places.__getitem__)[:MOST]) | Q(stop_requested=True)
    in_line = rows.filter(first, state=ReplyState.QUEUED)
    return Overview(
        at=now,
        replies=[
            Running(
                reply=reply,
                characters=getattr(reply, "characters", 0),
                place=places.get(reply.pk),
                seconds=max(0.0, (now - (reply.sent or reply.created)).total_seconds()),
                process=known.get(reply.owner) if reply.owner else None,
            )
            for reply in [*at_workers, *sorted(in_line, key=lambda reply: places.get(reply.pk, 0))]
        ],
        streaming=by_state[ReplyState.STREAMING],
        queued=by_state[ReplyState.QUEUED],
        processes=[
            Process(row, by_owner[row.pk, ReplyState.STREAMING], by_owner[row.pk, ReplyState.QUEUED])
            for row in processes
        ],
        breakers=list(CircuitBreaker.objects.select_related("process")[:MOST]),
    )


@transaction.atomic
def stop(reply: uuid.UUID, actor_id: int | None) -> bool:
    """Ask the process that runs a reply to stop it, and write that into the audit log.

    It does so with its next beat, within about a second. False when the reply has ended or is being stopped.
    """
    if not Message.objects.live().filter(pk=reply, stop_requested=False).update(stop_requested=True):
        return False
    message = Message.objects.select_related("model").get(pk=reply)
    AuditEntry.objects.create(
        actor_id=actor_id,
        action="stop",
        target=f"message {reply}",
        detail={
            "conversation": str(message.conversation_id),
            "model": message.model.name if message.model else "",
            "worker": message.worker,
        },
    )
    return True
