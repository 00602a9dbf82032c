"""Find the reply that a visitor speaks about."""

import uuid

from django.utils.translation import gettext as _

from chat.models import Message, Visitor
from chat.refusals import Refused


def lock_own_reply(visitor_key: uuid.UUID, message_id: uuid.UUID) -> Message:
    """Give a visitor's own visible reply, and hold back this visitor's other feedback until the commit.

    The visitor's row is locked and not the reply's, which the engine may be writing just now. Call it inside
    a transaction. Raises `Refused`: `visitor_blocked`, or `not_found` whatever the cause.
    """
    visitor = Visitor.objects.select_for_update(no_key=True).filter(key=visitor_key).first()
    if visitor is not None and visitor.blocks.in_force().exists():
        raise Refused("visitor_blocked", _("This browser has been blocked from voting and flagging."))
    reply = Message.objects.owned_by(visitor_key).replies().filter(pk=message_id).first()
    if reply is None:
        raise Refused("not_found", _("This reply does not exist."))
    return reply
