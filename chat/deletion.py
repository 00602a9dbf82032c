"""What visitors delete: gone from every page and export at once, and from the disk when `purge` finds it."""

import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import Conversation, Message, Visitor
from chat.receipts import hash_of
from chat.refusals import Refused


@transaction.atomic
def delete_conversation(visitor_key: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """Delete a visitor's conversation and stop its reply. Raises `Refused` for any other."""
    own = Conversation.objects.owned_by(visitor_key).filter(pk=conversation_id)
    if not own.update(deleted=timezone.now()):
        raise Refused("not_found", _("This conversation does not exist."), "conversation")
    _stop_replies(conversation=conversation_id)


@transaction.atomic
def delete_everything(visitor_key: uuid.UUID) -> list[uuid.UUID]:
    """Delete all that is stored of a visitor and stop all replies; give the conversations that were visible.

    The visitor's row stays until it is purged, so that open pages of this visitor are closed and send nothing more.
    """
    # Who sends a message at this moment has this row locked, or finds it deleted.
    visitor = Visitor.objects.select_for_update().filter(pk=visitor_key, deleted__isnull=True).first()
    if visitor is None:
        return []
    now = timezone.now()
    visible = Conversation.objects.owned_by(visitor_key)
    conversations = list(visible.values_list("pk", flat=True))
    visible.update(deleted=now)
    visitor.deleted = now
    visitor.save(update_fields=["deleted"])
    _stop_replies(conversation__visitor=visitor_key)
    return conversations


def delete_by_receipt(code: str) -> list[uuid.UUID]:
    """Delete everything of the visitor who holds this receipt code, if there is one.

    Gives the conversations. Raises `Refused` for what can't be a code; an unknown one is no error, so that nobody
    learns which there are.
    """
    visitor = Visitor.objects.filter(receipt_hash=hash_of(code)).first()
    return delete_everything(visitor.key) if visitor else []


def _stop_replies(**of: object) -> None:
    """Let the processes that run these replies stop them, which they do within about a second."""
    Message.objects.live().filter(**of).update(stop_requested=True)
