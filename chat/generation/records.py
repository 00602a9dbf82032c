"""What is written of running replies. Every step of a reply's life is one conditional UPDATE."""

import datetime
import uuid
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from chat.generation.breakers import Breaker
from chat.models import (
    Backend,
    BlockedVisitor,
    CircuitBreaker,
    Message,
    ReplyState,
    ServerProcess,
    Stage,
    Visitor,
)
from chat.models.conversations import LIVE_STATES
from chat.moderation import standing, stored
from chat.moderation.checks import Check
from chat.moderation.verdicts import Decision

ADOPT_WITHIN = datetime.timedelta(hours=1)  # nobody waits for an older one


class Asked(NamedTuple):
    """How a worker was asked, as far as it can't be read from elsewhere later; all empty when none was."""

    protocol: str = ""
    template: str = ""
    request_hash: str = ""


class Progress(NamedTuple):
    reply: uuid.UUID
    text: str
    epoch: int
    first_answered: datetime.datetime | None
    asked: Asked = Asked()


class Told(NamedTuple):
    """What a worker told of a reply beside its text."""

    prompt_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str = ""


class Checked(NamedTuple):
    """What checks said of a reply: how it had ended before one of them kept its text back, and what it said."""

    decisions: Sequence[Decision] = ()
    notice: str = ""
    withheld: str = ""  # the text that is not shown
    state: str = ""
    error_code: str = ""


class Stored(NamedTuple):
    reply: uuid.UUID
    state: str
    text: str
    epoch: int
    error_code: str
    finish_reason: str = ""
    notice: str = ""


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
            f"UPDATE {quote(table)} SET text = %s, epoch = %s, first_answered = %s, "  # noqa: S608  # nosec B608
            "protocol = %s, template = %s, request_hash = %s "
            "WHERE id = %s AND owner = %s AND state = 'streaming'",
            [
                (row.text, row.epoch, moment(row.first_answered), *row.asked, key(row.reply), key(owner))
                for row in changed
            ],
        )


def finish(
    owner: uuid.UUID,
    progress: Progress,
    state: str,
    error_code: str = "",
    error_detail: str = "",
    told: Told = Told(),  # noqa: B008 - it can't be changed
    checked: Checked = Checked(),  # noqa: B008
) -> bool:
    """End a reply of process `owner`; False when it had ended already, by whoever came first.

    What is to be kept back is so, too, where another process took this one for dead meanwhile.
    """
    running = Message.objects.live()
    if checked.withheld:
        running = Message.objects.filter(Q(state__in=LIVE_STATES) | Q(state=ReplyState.INTERRUPTED))
    with transaction.atomic() if checked.decisions else nullcontext():
        if not _finish(running, owner, progress, state, error_code, error_detail, told, checked.notice):
            return False
        if checked.withheld:
            standing.withhold(progress.reply, checked.withheld, checked.state, checked.error_code)
        if checked.decisions:
            stored.record(progress.reply, checked.decisions)
    return True


def _finish(
    running: QuerySet[Message],
    owner: uuid.UUID,
    progress: Progress,
    state: str,
    error_code: str,
    error_detail: str,
    told: Told,
    notice: str,
) -> bool:
    return bool(
        running.filter(pk=progress.reply, owner=owner).update(
            state=state,
            text=progress.text,
            epoch=progress.epoch,
            first_answered=progress.first_answered,
            **progress.asked._asdict(),
            finished=timezone.now(),
            error_code=error_code,
            error_detail=error_detail[:2000].replace("\0", ""),
            prompt_tokens=_count(told.prompt_tokens),
            output_tokens=_count(told.output_tokens),
            finish_reason=told.finish_reason[:40].replace("\0", ""),
            notice=notice,
        )
    )


def _count(tokens: int | None) -> int | None:
    """Give a number of tokens if it can be one: what servers say is not checked, and databases are strict."""
    return tokens if tokens is not None and 0 <= tokens < 2**31 else None


def read(replies: Iterable[uuid.UUID]) -> list[Stored]:
    rows = Message.objects.filter(pk__in=list(replies))
    columns = ("pk", *Stored._fields[1:])
    return [Stored(*row) for row in rows.values_list(*columns)]


class Mine(NamedTuple):
    """A live reply of this process as the database has it."""

    reply: uuid.UUID
    state: str
    stop_requested: bool
    first_answered: datetime.datetime | None


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
    mine = live.filter(owner=owner).values_list("pk", "state", "stop_requested", "first_answered")
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
    """Put a reply that its worker failed before the first text back in line, at the place of its age.

    False when it has ended, or is another process's by now.
    """
    # One that is in line already is put there by this very call, whose connection was lost.
    own = Message.objects.live().filter(pk=reply, owner=owner)
    return bool(own.update(state=ReplyState.QUEUED, worker="", sent=None))


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


def note_backend(address: str, error: str) -> None:
    """Note why a server that is a backend itself can't be asked; for workers of controllers it does nothing."""
    Backend.objects.filter(kind=Backend.Kind.OPENAI, url=address).note_failure(error)


def register_process(owner: uuid.UUID, host: str, pid: int) -> None:
    ServerProcess.objects.create(pk=owner, host=host, pid=pid)


def forget_process(owner: uuid.UUID) -> None:
    ServerProcess.objects.filter(pk=owner).delete()


class ToCheck(NamedTuple):
    """The checks of the message that a reply answers; `is_refused` where a moderator has decided that already."""

    checks: Sequence[Check] = ()
    message: uuid.UUID | None = None
    is_refused: bool = False


def to_check(reply: uuid.UUID, model: str) -> ToCheck:
    """Read what is to be checked of the message that a reply answers; what a moderator let through is not again."""
    message = Message.objects.get(children=reply).pk
    is_refused, excused = stored.judged(message)
    checks = stored.checks_for(Stage.MESSAGE, model)
    if not checks:
        return ToCheck(is_refused=is_refused)
    return ToCheck([each for each in checks if each.row.name not in excused], message, is_refused)
