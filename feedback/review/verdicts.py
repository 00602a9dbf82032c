"""Put flags and moderation events into a state, in somebody's name."""

from functools import partial
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chat.generation.engine import announce_changed
from chat.models import AuditEntry, ModerationEvent, ReviewState
from chat.moderation.standing import settle
from feedback.models import Flag


def judge(
    rows: QuerySet[Flag] | QuerySet[ModerationEvent],
    state: ReviewState,
    reviewer: AbstractBaseUser | AnonymousUser,
    note: str = "",
) -> int:
    """Put rows into a state in a reviewer's name, each with an audit entry; give how many changed.

    Rows that are in that state already stay as they are, so the first decision keeps its name and time.
    A state of OPEN takes a decision back. What events kept back is let through, or refused for good, with them.
    """
    now = timezone.now()
    decided = state != ReviewState.OPEN
    with transaction.atomic():
        changing: list[Any] = list(rows.select_for_update(of=("self",)).exclude(state=state))
        entries = []
        for row in changing:
            before, row.state = row.state, state
            row.reviewer_id, row.reviewed = (reviewer.pk, now) if decided else (None, None)
            row.note = note or row.note
            entries.append(
                AuditEntry(
                    actor_id=reviewer.pk,
                    action=f"{row._meta.model_name}_{state}",
                    target=f"{row._meta.model_name} {row.pk}",
                    detail={"message": str(row.message_id), "before": before, "note": note},
                )
            )
        rows.model._default_manager.bulk_update(
            changing, ["state", "reviewer", "reviewed", "note"], batch_size=500
        )
        AuditEntry.objects.bulk_create(entries, batch_size=500)
        if rows.model is ModerationEvent:
            for conversation in settle({row.message_id for row in changing}):
                transaction.on_commit(partial(announce_changed, conversation))
    return len(changing)
