"""Keep replies back, and follow what moderators say of what was kept back: let through, refused, or open again."""

import uuid
from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import F

from chat.models import Message, ModerationEvent, ReplyState, ReviewState, Stage, WithheldReply
from chat.moderation.verdicts import (
    CODES,
    FLAGGED,
    HELD,
    PASSED,
    REPLY_HELD,
    REPLY_REFUSED,
    REPLY_UNCHECKED,
    Outcome,
)

_KEPT_BACK = (FLAGGED, HELD, PASSED)
_WITHHELD = (REPLY_HELD, REPLY_REFUSED, REPLY_UNCHECKED)


def withhold(reply: uuid.UUID, text: str, state: str, error_code: str) -> None:
    """Keep what a reply said, and how it had ended, for moderators; its message is stored without."""
    WithheldReply.objects.create(message_id=reply, text=text, state=state, error_code=error_code)


@transaction.atomic
def settle(messages: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Bring messages and replies in line with what moderators say now of the events that kept them back.

    What all of them dismissed is let through: a reply is shown again, a message is answered when it is asked again.
    What one was upheld of is refused. Gives the conversations in which something may have changed.
    """
    changed = set()
    # Locked in one order, or two moderators who decide about the same messages could wait for each other.
    for message in Message.objects.filter(pk__in=messages).order_by("pk").select_for_update():
        events = ModerationEvent.objects.keeping_back().filter(message=message)
        rows = list(events.order_by("pk").values_list("stage", "outcome", "state"))
        for stage, change in ((Stage.MESSAGE, _settle_message), (Stage.REPLY, _settle_reply)):
            if own := [(outcome, state) for each, outcome, state in rows if each == stage]:
                change(message, _code(stage, own))
                changed.add(message.conversation_id)
    return changed


def _code(stage: Stage, events: Iterable[tuple[str, str]]) -> str:
    """Give the error that stands; empty where all is dismissed."""
    left = [(outcome, state) for outcome, state in events if state != ReviewState.DISMISSED]
    if any(state == ReviewState.UPHELD for _, state in left):
        return CODES[stage][Outcome.REFUSED]
    found = [CODES[stage][Outcome(outcome)] for outcome, _ in left]
    return next((code for code in found if code != CODES[stage][Outcome.HELD]), found[0] if found else "")


def _settle_message(message: Message, code: str) -> None:
    # Only a check makes these; a reply that came since stays as it is.
    kept_back = Message.objects.replies().filter(parent=message, error_code__in=_KEPT_BACK)
    kept_back.update(error_code=code or PASSED)


def _settle_reply(reply: Message, code: str) -> None:
    kept = WithheldReply.objects.filter(message=reply).first()
    if kept and not code:
        _change(reply, text=kept.text, state=kept.state, error_code=kept.error_code)
        kept.delete()
    elif kept:
        _change(reply, error_code=code)
    elif code:
        # The one who let it through has thought better of it.
        withhold(reply.pk, reply.text, reply.state, reply.error_code)
        _change(reply, text="", state=ReplyState.FAILED, error_code=code)


def _change(reply: Message, **values: str) -> None:
    """Write a reply that has ended; another text is another epoch, so that pages take it whole."""
    epoch = F("epoch") + 1 if "text" in values else F("epoch")
    Message.objects.filter(pk=reply.pk).update(epoch=epoch, **values)
