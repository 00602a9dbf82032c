"""The rules in force, and the words of a refusal."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.kept import Kept
from chat.models import LimitRule
from chat.models.limits import Counted
from chat.refusals import Refused

Rules = Mapping[str, Sequence[LimitRule]]
BYTES_IN_MEGABYTE = 1_000_000
LONG_SECONDS = 120  # from here on a wait is told in minutes


def most(rule: LimitRule) -> int:
    """Give what a rule allows, in what is counted: megabytes are counted in bytes."""
    return rule.amount * (BYTES_IN_MEGABYTE if rule.counted == Counted.MEGABYTES else 1)


def minutes_of(seconds: int) -> int:
    """Give the minutes in which a wait is told, rounded up; 0 for one that is short enough to be told in seconds."""
    return -(-seconds // 60) if seconds > LONG_SECONDS else 0


def too_much(rule: LimitRule, seconds: int) -> Refused:
    """Give the refusal of what breaks a rule, and would not in so many seconds."""
    if minutes := minutes_of(seconds):
        words = _("That was too much for now. Wait %(minutes)s minutes.") % {"minutes": minutes}
    else:
        words = ngettext(
            "That was too much at once. Wait %(seconds)s second.",
            "That was too much at once. Wait %(seconds)s seconds.",
            seconds,
        ) % {"seconds": seconds}
    return Refused("too_many_requests", words, limit=rule.amount, seconds=seconds)


@Kept
def rules() -> Rules:
    """Give the rules in force, by what they count."""
    if not settings.MMCHAT_LIMITS:
        return {}
    found = defaultdict(list)
    # Visitors first: who is refused as one of them takes nothing from others at the same address.
    for rule in LimitRule.objects.filter(enabled=True).order_by("-by", "seconds"):
        found[rule.counted].append(rule)
    return found
