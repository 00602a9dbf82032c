"""What follows from what checks found."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chat.models import CheckThreshold, ModerationEvent, Stage
from chat.moderation.checks import Check, Finding

Outcome = ModerationEvent.Outcome

# The mildest first.
_IN_ORDER = (
    Outcome.ALLOWED,
    Outcome.UNAVAILABLE_ALLOWED,
    Outcome.WARNED,
    Outcome.HELD,
    Outcome.UNAVAILABLE_REFUSED,
    Outcome.REFUSED,
)
REFUSING = (Outcome.REFUSED, Outcome.UNAVAILABLE_REFUSED)

FLAGGED, UNAVAILABLE, HELD = "moderation_flagged", "moderation_unavailable", "message_held"
PASSED = "message_passed"
REPLY_REFUSED, REPLY_UNCHECKED, REPLY_HELD = "reply_refused", "reply_unchecked", "reply_held"
CODES = {
    Stage.MESSAGE: {Outcome.REFUSED: FLAGGED, Outcome.UNAVAILABLE_REFUSED: UNAVAILABLE, Outcome.HELD: HELD},
    Stage.REPLY: {
        Outcome.REFUSED: REPLY_REFUSED,
        Outcome.UNAVAILABLE_REFUSED: REPLY_UNCHECKED,
        Outcome.HELD: REPLY_HELD,
    },
}
NOT_SENT_CODES = (FLAGGED, UNAVAILABLE, HELD)  # what a reply answers went to no model
# Replies with these have no text that anybody may see: no export, public page or later prompt has their turn.
REFUSAL_CODES = (*NOT_SENT_CODES, PASSED, REPLY_REFUSED, REPLY_UNCHECKED, REPLY_HELD)
NOTICES = {Stage.MESSAGE: "message_warned", Stage.REPLY: "reply_warned"}


@dataclass(frozen=True)
class Decision:
    """What one check decided, after how many seconds. `detail` is for staff; see `Finding`."""

    check: str
    stage: Stage
    outcome: Outcome
    categories: tuple[str, ...] = ()
    scores: dict[str, float] = field(default_factory=dict)
    detail: str = ""
    seconds: float = 0.0
    dry_run: bool = False

    @property
    def tells_something(self) -> bool:
        """Tell whether it is worth keeping: nothing found, and no score, is not."""
        return self.outcome != Outcome.ALLOWED or bool(self.scores)


@dataclass(frozen=True)
class Verdict:
    """What all checks together decided of a message or reply."""

    stage: Stage
    decisions: Sequence[Decision] = ()

    @property
    def deciding(self) -> Decision | None:
        """Give the strictest decision that counts, the first of equals; None without any."""
        counting = [each for each in self.decisions if not each.dry_run]
        return max(counting, key=lambda each: _IN_ORDER.index(each.outcome), default=None)

    @property
    def outcome(self) -> Outcome:
        return self.deciding.outcome if self.deciding else Outcome.ALLOWED

    @property
    def code(self) -> str:
        """Name why it goes no further; empty where it may."""
        return CODES[self.stage].get(self.outcome, "")

    @property
    def notice(self) -> str:
        """Name the line that the visitor is given with it; mostly empty."""
        return NOTICES[self.stage] if self.outcome == Outcome.WARNED else ""


def outcome_of(check: Check, finding: Finding) -> Outcome:
    """Decide by a check's thresholds; what none of them is about follows what the check itself objects to."""
    usual = Outcome(check.row.outcome)
    found = [Outcome.ALLOWED]
    if finding.flagged and not finding.categories:
        found.append(usual)
    for category in finding.categories | finding.scores.keys():
        own = [each for each in check.thresholds if each.category == category]
        if own:
            found += _reached(own, finding.scores.get(category, float(category in finding.categories)))
        elif category in finding.categories:
            found.append(usual)
    return max(found, key=_IN_ORDER.index)


def _reached(thresholds: Sequence[CheckThreshold], score: float) -> list[Outcome]:
    return [Outcome(each.outcome) for each in thresholds if score >= each.at_least]
