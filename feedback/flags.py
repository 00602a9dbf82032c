"""Flags of visitors on replies."""

import uuid

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Message
from chat.refusals import Refused
from feedback.limits import check_comment
from feedback.models import Flag
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
