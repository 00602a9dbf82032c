"""Run checks one after the other. Everything here may wait for the network: call it off the event loop."""

import logging
import time
from collections.abc import Iterable
from concurrent.futures import TimeoutError as Late
from functools import partial

from chat.backends import within
from chat.models import ModerationCheck
from chat.moderation.checks import Check, Finding, Subject, Unavailable
from chat.moderation.kinds import ASKS_OTHERS, KINDS
from chat.moderation.verdicts import REFUSING, Decision, Outcome, Verdict, outcome_of

logger = logging.getLogger(__name__)

MOST_NAMES = 200  # kept of one decision; what follows is decided by all
LONGEST_NAME = 100  # characters, as those of a threshold's category
GRACE_SECONDS = 0.5  # in which a check that has taken too long tells so itself


def run(checks: Iterable[Check], subject: Subject) -> Verdict:
    """Ask each check that the subject has something for, until one refuses that is no dry run; never raises."""
    decisions = []
    for check in checks:
        decision = decide(check, subject)
        if decision is None:
            continue
        decisions.append(decision)
        if decision.outcome in REFUSING and not decision.dry_run:
            break
    return Verdict(subject.stage, tuple(decisions))


def decide(check: Check, subject: Subject) -> Decision | None:
    """Ask one check, of which one that breaks is one that is down; None where the subject has nothing for it."""
    part = check.part_of(subject)
    if not part.text and not part.images:
        return None
    begun = time.monotonic()
    try:
        finding = _tidied(_examined(check, part))
    except Unavailable as error:
        logger.warning("check %s is unavailable: %s", check.row.name, str(error))
        return _without_answer(check, subject, str(error), begun)
    except Exception as error:
        logger.exception("check %s failed", check.row.name)
        return _without_answer(check, subject, type(error).__name__, begun)
    return Decision(
        check=check.row.name,
        stage=subject.stage,
        outcome=outcome_of(check, finding),
        categories=tuple(sorted(finding.categories)[:MOST_NAMES]),
        scores=dict(sorted(finding.scores.items(), key=lambda each: -each[1])[:MOST_NAMES]),
        detail=finding.detail,
        seconds=time.monotonic() - begun,
        dry_run=check.row.dry_run,
    )


def _examined(check: Check, part: Subject) -> Finding:
    """Let a check look, for as long as it may: names that don't resolve and answers that drip have no end."""
    look = partial(KINDS[check.row.kind], check, part)
    if check.row.kind not in ASKS_OTHERS:
        return look()
    try:
        return within(check.row.timeout + GRACE_SECONDS, look)
    except Late:
        raise Unavailable("the answer took too long") from None


def _tidied(finding: Finding) -> Finding:
    """Give a finding whose names every database and page can hold: services and guards may answer anything."""
    scores: dict[str, float] = {}
    for name, score in finding.scores.items():
        tidy = _tidy(name)
        scores[tidy] = max(scores.get(tidy, 0.0), score)
    return Finding(frozenset(map(_tidy, finding.categories)), scores, finding.flagged, finding.detail)


def _tidy(name: str) -> str:
    """Cut a name, and leave out of it what is no text: NUL, and halves of surrogate pairs."""
    return name.encode("utf-8", "ignore").decode().replace("\0", "")[:LONGEST_NAME]


def _without_answer(check: Check, subject: Subject, reason: str, begun: float) -> Decision:
    is_open = check.row.when_down == ModerationCheck.WhenDown.OPEN
    return Decision(
        check=check.row.name,
        stage=subject.stage,
        outcome=Outcome.UNAVAILABLE_ALLOWED if is_open else Outcome.UNAVAILABLE_REFUSED,
        detail=reason,
        seconds=time.monotonic() - begun,
        dry_run=check.row.dry_run,
    )
