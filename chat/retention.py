"""Forget what is kept for some days only: addresses, what checks said, the audit log, sessions of staff."""

import datetime

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from chat import address_keys
from chat.models import AuditEntry, ModerationEvent
from chat.staff.lock_out import forget_old_tries


def forget() -> dict[str, int]:
    """Remove all of that whose time is over; give how many went of each kind that the host sets a time for."""
    forget_old_tries()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    forgotten = {
        "addresses": address_keys.forget(),
        "moderation events": _events(),
        "audit entries": _entries(),
    }
    return {kind: number for kind, number in forgotten.items() if number}


def _events() -> int:
    """Remove what checks said of messages that stay; what keeps one back, or was let through, must stay known."""
    before = _days_ago(settings.MMCHAT_KEEP_MODERATION_DAYS)
    if before is None:
        return 0
    holding = ModerationEvent.objects.keeping_back().values("pk")
    return ModerationEvent.objects.filter(created__lt=before).exclude(pk__in=holding).delete()[0]


def _entries() -> int:
    """Remove entries of the audit log, which nothing else can."""
    before = _days_ago(settings.MMCHAT_KEEP_AUDIT_DAYS)
    return QuerySet(AuditEntry).filter(created__lt=before).delete()[0] if before else 0


def _days_ago(days: int) -> datetime.datetime | None:
    return timezone.now() - datetime.timedelta(days=days) if days else None
