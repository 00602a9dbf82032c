"""Limit the replies that somebody has running or in line at once: counted where they are stored."""

from django.db import connection
from django.utils.translation import gettext as _

from chat import queue
from chat.limits.rules import rules
from chat.models import Message, Visitor
from chat.models.limits import Counted, CountedBy
from chat.refusals import Refused

SECONDS = 10  # to wait for one to end, where no recent reply tells how long that takes


def check_replies(visitor: Visitor) -> None:
    """Raise `Refused` where one more reply would be too many; the visitor's row must be locked.

    By address counts the one at which visitors were first seen, which is what is stored of them.
    """
    for rule in rules().get(Counted.REPLIES, ()):
        live = Message.objects.live().order_by()
        if rule.by == CountedBy.VISITOR:
            live = live.filter(conversation__visitor=visitor)
        elif visitor.address_hash:
            _lock(visitor.address_hash)
            live = live.filter(conversation__visitor__address_hash=visitor.address_hash)
        else:
            continue
        if live.count() >= rule.amount:
            raise Refused(
                "too_many_replies",
                _("Too many replies are being written for you. Wait for one to end, or stop it."),
                limit=rule.amount,
                seconds=max(1, round(queue.recent_seconds() or SECONDS)),
            )


def _lock(address_hash: str) -> None:
    """Let others at the same address wait until the commit; SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(address_hash[:15], 16)])
