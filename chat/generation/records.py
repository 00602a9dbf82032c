"""What is written of running replies. Every step of a reply's life is one conditional UPDATE."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from chat import moderation
from chat.models import Message, ReplyState, ServerProcess, Visitor


class Progress(NamedTuple):
    reply: uuid.UUID
    text: str
    epoch: int
    first_answered: datetime | None


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

    def moment(value: datetime | None) -> Any:
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


def beat(owner: uuid.UUID, running: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Move the counters of process `owner` and of the replies it runs; give those that are to be stopped."""
    ServerProcess.objects.filter(pk=owner).update(heartbeat=F("heartbeat") + 1)
    mine = Message.objects.live().filter(pk__in=running)
    if not running or not mine.update(heartbeat=F("heartbeat") + 1):
        return []
    return list(mine.filter(stop_requested=True).values_list("pk", flat=True))


def request_stop(visitor_key: uuid.UUID, reply: uuid.UUID) -> uuid.UUID | None:
    """Ask the process that runs a visitor's reply to stop it; give that process.

    None when there is nothing to stop. Raises `Message.DoesNotExist` for a reply that is not the visitor's.
    """
    message = Message.objects.owned_by(visitor_key).replies().get(pk=reply)
    if Message.objects.live().filter(pk=reply).update(stop_requested=True):
        return message.owner
    return None


def running_elsewhere(running: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Give the live replies but those that run here, with their counters."""
    counters = Message.objects.live().values_list("pk", "heartbeat")
    return {reply: counter for reply, counter in counters if reply not in running}


def interrupt(stood_still: Mapping[uuid.UUID, int]) -> list[uuid.UUID]:
    """End replies whose counter is still what it was; give those that this call ended."""
    ended = []
    for reply, heartbeat in stood_still.items():
        if (
            Message.objects.live()
            .filter(pk=reply, heartbeat=heartbeat)
            .update(state=ReplyState.INTERRUPTED, error_code="interrupted", finished=timezone.now())
        ):
            ended.append(reply)
    return ended


def blocked(visitors: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Give those of the visitors who are blocked."""
    return set(Visitor.objects.filter(key__in=visitors, blocked=True).values_list("key", flat=True))


def register_process(owner: uuid.UUID, host: str, pid: int) -> None:
    ServerProcess.objects.create(pk=owner, host=host, pid=pid)


def forget_process(owner: uuid.UUID) -> None:
    ServerProcess.objects.filter(pk=owner).delete()


def record_verdict(reply: uuid.UUID, verdict: moderation.Verdict) -> None:
    """Store what the content check said of the message that a reply answers."""
    moderation.record(Message.objects.get(children=reply), verdict)
