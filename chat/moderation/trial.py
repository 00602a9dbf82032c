"""What a text and an image would get from all checks; nothing of it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat.failures import failure, notice
from chat.models import ModerationCheck
from chat.moderation.checks import Check, Subject
from chat.moderation.pipeline import decide
from chat.moderation.stored import check_of, first_checks, made_ready
from chat.moderation.verdicts import REFUSING, Decision, Verdict


@dataclass(frozen=True)
class Step:
    """One check and what it decided; `why_not` tells why it was not asked."""

    check: Check
    decision: Decision | None = None
    why_not: str = ""


@dataclass(frozen=True)
class Trial:
    """All checks in order, what they decided together, and what a visitor would read of it, which may be nothing."""

    steps: Sequence[Step]
    verdict: Verdict
    words: str


def try_out(subject: Subject, model: str | None) -> Trial:
    """Run all checks as for a message to, or a reply of, a model, but for what none would be asked any more. Blocks."""
    steps: list[Step] = []
    is_over = False
    for check in (*first_checks(), *map(check_of, ModerationCheck.objects.in_order())):
        why_not = (
            "off" if not check.row.enabled else "not_for" if not check.is_for(subject.stage, model) else ""
        )
        if why_not or is_over:
            steps.append(Step(check, why_not=why_not or "over"))
            continue
        decision = decide(made_ready(check), subject)
        steps.append(Step(check, decision, "" if decision else "nothing"))
        is_over = decision is not None and decision.outcome in REFUSING and not decision.dry_run
    verdict = Verdict(subject.stage, [step.decision for step in steps if step.decision])
    told = failure(verdict.code)
    return Trial(steps, verdict, told.text if told else notice(verdict.notice) or "")
