"""Flags of visitors on replies, and what moderators decide about them."""

import uuid

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import AuditEntry, Message, ReviewState
from chat.refusals import Refused
from feedback.limits import check_comment
from feedback.models import Flag, FlagQuerySet
from feedback.replies import lock_own_reply


def flag(visitor_key: uuid.UUID, message_id: uuid.UUID, reason: str, comment: str = "") -> Message:
    """Flag a reply for a reason of `Flag.Reason`; give the reply.

    Flagging again changes reason and comment while nobody has decided; after that it changes nothing.
    Raises `Refused` for a reply that is not the visitor's own, and for bad values.
    """
    if reason not in Flag.Reason.values:
        raise Refused(
            "reason_unknown", _("Choose a reason for the flag."), "reason", ", ".join(Flag.Reason.values)
        )
    check_comment(comment)
    with transaction.atomic():
        reply = lock_own_reply(visitor_key, message_id)
        found, created = Flag.objects.select_for_update().get_or_create(
            visitor_id=visitor_key, message=reply, defaults={"reason": reason, "comment": comment}
        )
        if not created and found.state == Flag.State.OPEN:
            found.reason, found.comment = reason, comment
            found.save(update_fields=["reason", "comment"])
    return reply


def decide(flags: FlagQuerySet, state: ReviewState, reviewer: User | AnonymousUser, note: str = "") -> int:
    """Put flags into a state in a reviewer's name, each with an audit entry; give how many changed.

    Flags that are in that state already stay as they are, so the first decision keeps its name and time.
    A state of OPEN takes a decision back.
    """
    now = timezone.now()
    with transaction.atomic():
        changing = list(flags.select_for_update(of=("self",)).exclude(state=state))
        entries = []
        for item in changing:
            before, item.state = item.state, state
            item.reviewer_id, item.reviewed = reviewer.pk, now
            item.note = note or item.note
            entries.append(
                AuditEntry(
                    actor_id=reviewer.pk,
                    action=f"flag_{state}",
                    target=f"flag {item.pk}",
                    detail={"reply": str(item.message_id), "before": before, "note": note},
                )
            )
        Flag.objects.bulk_update(changing, ["state", "reviewer", "reviewed", "note"], batch_size=500)
        AuditEntry.objects.bulk_create(entries, batch_size=500)
    return len(changing)
