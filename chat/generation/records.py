"""What is written of running replies. Every step of a reply's life is one conditional UPDATE."""

import datetime
import uuid
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from chat import moderation
from chat.generation.breakers import Breaker
from chat.models import BlockedVisitor, CircuitBreaker, Message, ReplyState, ServerProcess, Visitor

ADOPT_WITHIN = datetime.timedelta(hours=1)  # nobody waits for an older one


class Progress(NamedTuple):
    reply: uuid.UUID
    text: str
    epoch: int
    first_answered: datetime.datetime | None


class Stored(NamedTuple):
    reply: uuid.UUID
    state: str
    text: str
    epoch: int
    error_code: str


@transaction.atomic
def write_progress(owner: uuid.UUID, changed: Iterable[Progress]) -> None:
    """Write the texts of streaming replies of process `owner`, all in one transaction."""
    table, quote = Message._meta.db_table, connection.ops.quote_name
    field = Message._meta.pk

    def key(value: uuid.UUID) -> Any:
        return field.get_db_prep_value(value, connection)

    def moment(value: datetime.datetime | None) -> Any:
        return connection.ops.adapt_datetimefield_value(value) if value else None

    with connection.cursor() as cursor:
        # The ORM has no executemany for updates, and this runs a few times a second for hundreds of rows.
        cursor.executemany(
            f"UPDATE {quote(table)} SET text = %s, epoch = %s, first_answered = %s "  # noqa: S608
            "WHERE id = %s AND owner = %s AND state = 'streaming'",
            [
                (row.text, row.epoch, moment(row.first_answered), key(row.reply), key(owner))
                for row in changed
            ],
        )


def finish(
    owner: uuid.UUID, progress: Progress, state: str, error_code: str = "", error_detail: str = ""
) -> bool:
    """End a reply of process `owner`; False when it had ended already, by whoever came first."""
    return bool(
        Message.objects.live()
        .filter(pk=progress.reply, owner=owner)
        .update(
            state=state,
            text=progress.text,
            epoch=progress.epoch,
            first_answered=progress.first_answered,
            finished=timezone.now(),
            error_code=error_code,
            error_detail=error_detail[:2000].replace("\0", ""),
        )
    )


def read(replies: Iterable[uuid.UUID]) -> list[Stored]:
    rows = Message.objects.filter(pk__in=list(replies))
    return [Stored(*row) for row in rows.values_list("pk", "state", "text", "epoch", "error_code")]


class Mine(NamedTuple):
    """A live reply of this process as the database has it."""

    reply: uuid.UUID
    state: str
    stop_requested: bool


class Census(NamedTuple):
    """The live replies of this process, and the counters of the others; None where one has no row any more."""

    mine: list[Mine]
    others: dict[uuid.UUID | None, int | None]


def beat(owner: uuid.UUID, host: str, pid: int) -> Census:
    """Move the counter of process `owner`, and look around."""
    if not ServerProcess.objects.filter(pk=owner).update(heartbeat=F("heartbeat") + 1):
        # It stood still for so long that another process took it for dead.
        register_process(owner, host, pid)
    live = Message.objects.live()
    mine = live.filter(owner=owner).values_list("pk", "state", "stop_requested")
    others: dict[uuid.UUID | None, int | None] = dict.fromkeys(
        live.exclude(owner=owner).order_by().values_list("owner", flat=True).distinct()
    )
    others.update(ServerProcess.objects.exclude(pk=owner).values_list("pk", "heartbeat"))
    return Census([Mine(*row) for row in mine], others)


class Estate(NamedTuple):
    """What became of the replies of a dead process: which were interrupted, and which are this process's now."""

    interrupted: list[uuid.UUID]
    adopted: list[uuid.UUID]


@transaction.atomic
def take_over(owner: uuid.UUID, dead: uuid.UUID | None, counter: int | None, *, adopt: bool) -> Estate:
    """End what a process was streaming whose counter is still `counter`, and adopt what had only waited.

    A waiting reply has cost nothing yet, so its visitor need not even know. Without `adopt` it is left to
    another process.
    """
    if dead and counter is not None:
        died, _ = ServerProcess.objects.filter(pk=dead, heartbeat=counter).delete()
        if not died:
            return Estate([], [])
    theirs = Message.objects.live().filter(owner=dead)
    long_ago = timezone.now() - ADOPT_WITHIN
    lost = theirs.filter(Q(state=ReplyState.STREAMING) | Q(created__lt=long_ago))
    interrupted = _interrupt(lost)
    if not adopt:
        return Estate(interrupted, [])
    waiting = theirs.filter(state=ReplyState.QUEUED)
    adopted = [
        reply
        for reply in waiting.values_list("pk", flat=True)
        if waiting.filter(pk=reply).update(owner=owner)
    ]
    return Estate(interrupted, adopted)


def release(owner: uuid.UUID, replies: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Leave waiting replies of process `owner` to whichever process adopts them first; give those."""
    waiting = Message.objects.filter(owner=owner, state=ReplyState.QUEUED)
    return [reply for reply in replies if waiting.filter(pk=reply).update(owner=None)]


def requeue(owner: uuid.UUID, reply: uuid.UUID) -> bool:
    """Put a reply that its worker failed before the first text back in line, at the place of its age."""
    return bool(
        Message.objects.filter(pk=reply, owner=owner, state=ReplyState.STREAMING).update(
            state=ReplyState.QUEUED, worker="", sent=None
        )
    )


@transaction.atomic
def interrupt(owner: uuid.UUID, replies: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """End replies of process `owner` that it does not generate any more; give those that had not ended before."""
    return _interrupt(Message.objects.live().filter(pk__in=replies, owner=owner))


def _interrupt(lost: QuerySet[Message]) -> list[uuid.UUID]:
    end = {"state": ReplyState.INTERRUPTED, "error_code": "interrupted", "finished": timezone.now()}
    return [reply for reply in lost.values_list("pk", flat=True) if lost.filter(pk=reply).update(**end)]


def request_stop(visitor_key: uuid.UUID, reply: uuid.UUID) -> uuid.UUID | None:
    """Ask the process that runs a visitor's reply to stop it; give that process.

    None when there is nothing to stop. Raises `Message.DoesNotExist` for a reply that is not the visitor's.
    """
    message = Message.objects.owned_by(visitor_key).replies().get(pk=reply)
    if Message.objects.live().filter(pk=reply).update(stop_requested=True):
        return message.owner
    return None


def blocked(visitors: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Give those of the visitors who are blocked."""
    return set(
        BlockedVisitor.objects.in_force().filter(visitor__in=visitors).values_list("visitor", flat=True)
    )


def deleted_visitors(visitors: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Give those of the visitors who have deleted everything."""
    deleted = Visitor.objects.filter(key__in=visitors, deleted__isnull=False)
    return set(deleted.values_list("key", flat=True))


class BreakerNote(NamedTuple):
    """A worker's breaker as administrators see it."""

    address: str
    state: str
    failures: int
    error_code: str
    error_detail: str

    @classmethod
    def of(cls, breaker: Breaker) -> "BreakerNote":
        error = breaker.error
        return cls(
            breaker.address,
            breaker.state,
            breaker.failures,
            error.code if error else "",
            error.detail[:2000].replace("\0", "") if error else "",
        )


def note_breaker(owner: uuid.UUID, note: BreakerNote) -> None:
    """Store what process `owner` knows of a worker; nothing is kept of one that is well again."""
    if not note.failures:
        CircuitBreaker.objects.filter(process=owner, address=note.address).delete()
        return
    CircuitBreaker.objects.update_or_create(
        process_id=owner,
        address=note.address,
        defaults={**note._asdict(), "changed": timezone.now()},
    )


def register_process(owner: uuid.UUID, host: str, pid: int) -> None:
    ServerProcess.objects.create(pk=owner, host=host, pid=pid)


def forget_process(owner: uuid.UUID) -> None:
    ServerProcess.objects.filter(pk=owner).delete()


def record_verdict(reply: uuid.UUID, verdict: moderation.Verdict) -> None:
    """Store what the content check said of the message that a reply answers."""
    moderation.record(Message.objects.get(children=reply), verdict)
