"""Read which checks there are, and store what they decided."""

import uuid
from collections.abc import Iterable
from dataclasses import replace

from django.conf import settings
from django.db import Error as DatabaseFailure

from chat.generation.direct import place_of
from chat.kept import Kept
from chat.models import ModerationCheck, ModerationEvent, ReviewState, Stage
from chat.moderation.checks import Check
from chat.moderation.openai import from_settings
from chat.moderation.verdicts import Decision


@Kept
def _enabled() -> tuple[Check, ...]:
    return tuple(map(check_of, ModerationCheck.objects.filter(enabled=True).in_order()))


def check_of(row: ModerationCheck) -> Check:
    """Give a stored check with all that it needs to run."""
    return Check(row, tuple(row.thresholds.all()), frozenset(each.name for each in row.for_models.all()))


def checks_for(stage: Stage, model: str | None = None) -> list[Check]:
    """Give the checks of what is for a model at a stage, in order, ready to run.

    What administrators change counts within a second. Without a model, those for any. The check of `--moderate` is
    the first. While the database is away, those that were read last are given.
    """
    return [made_ready(check) for check in _wanted(stage, model)]


def are_there(stage: Stage, model: str) -> bool:
    """Tell whether there is any check of what is for a model at a stage."""
    return bool(_wanted(stage, model))


def made_ready(check: Check) -> Check:
    """Give a check that can run now: with a place at which its guard is asked, where it has one."""
    if check.row.kind != ModerationCheck.Kind.GUARD or check.row.guard is None:
        return check
    try:
        placed = check.row.guard.placements.filter(listed=True, backend__enabled=True)
        places = [
            place_of(each) for each in placed.select_related("model", "backend").order_by("backend")[:1]
        ]
    except DatabaseFailure:
        places = []
    return replace(check, guard=places[0] if places else None)


def _wanted(stage: Stage, model: str | None) -> list[Check]:
    try:
        stored = _enabled()
    except DatabaseFailure:
        last = _enabled.last()
        if last is None:
            raise
        stored = last
    return [check for check in (*first_checks(), *stored) if check.is_for(stage, model)]


def first_checks() -> list[Check]:
    """Give those that the environment and the command line make."""
    return [from_settings()] if settings.MMCHAT_MODERATE else []


def is_upheld(message: uuid.UUID) -> bool:
    """Tell whether a moderator upheld that a message was kept back: then it goes to no model, whatever its checks."""
    events = ModerationEvent.objects.keeping_back().filter(message=message)
    return events.filter(state=ReviewState.UPHELD).exists()


def judged(message: uuid.UUID) -> tuple[bool, frozenset[str]]:
    """Tell whether a moderator upheld that a message was kept back, and which checks' decisions on it are dismissed."""
    events = ModerationEvent.objects.keeping_back().filter(message=message)
    rows = list(events.exclude(state=ReviewState.OPEN).values_list("check_name", "state"))
    is_upheld = any(state == ReviewState.UPHELD for _, state in rows)
    return is_upheld, frozenset(name for name, state in rows if state == ReviewState.DISMISSED)


def record(message: uuid.UUID, decisions: Iterable[Decision]) -> list[ModerationEvent]:
    """Store decisions on a message or reply, but those that tell nothing, or again what still waits for a moderator."""
    open_events = ModerationEvent.objects.awaiting_review().filter(message=message)
    waiting = set(open_events.values_list("check_name", "outcome"))
    return ModerationEvent.objects.bulk_create(
        [
            ModerationEvent(
                message_id=message,
                check_name=each.check,
                stage=each.stage,
                outcome=each.outcome,
                categories=list(each.categories),
                scores=each.scores,
                detail=each.detail[:2000].replace("\0", ""),
                seconds=each.seconds,
                dry_run=each.dry_run,
            )
            for each in decisions
            if each.tells_something and (each.dry_run or (each.check, each.outcome) not in waiting)
        ]
    )
