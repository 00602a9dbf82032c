"""Votes of visitors on replies: one per visitor and reply, with the history of its changes."""

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Message
from chat.refusals import Refused
from feedback.limits import MAX_REASON_CHARACTERS, MAX_REASONS, check_comment, check_storable
from feedback.models import Vote, VoteChange
from feedback.replies import lock_own_reply


def set_vote(
    visitor_key: uuid.UUID,
    message_id: uuid.UUID,
    value: str | None,
    reasons: Sequence[str] = (),
    comment: str = "",
) -> Message:
    """Set, change or withdraw (`value` None) a visitor's vote on a reply; give the reply.

    What was voted before goes to `VoteChange`. Voting the same again changes nothing. A reply that is still
    running may be voted on. Raises `Refused` for a reply that is not the visitor's own, and for bad values.
    """
    _check(value, reasons, comment)
    with transaction.atomic():
        reply = lock_own_reply(visitor_key, message_id)
        vote = Vote.objects.filter(visitor_id=visitor_key, message=reply).first()
        if vote is None:
            if value is not None:
                Vote.objects.create(
                    visitor_id=visitor_key,
                    message=reply,
                    value=value,
                    reasons=list(reasons),
                    comment=comment,
                )
        elif value is None:
            _keep(vote)
            vote.delete()
        elif (vote.value, vote.reasons, vote.comment) != (value, list(reasons), comment):
            _keep(vote)
            vote.value, vote.reasons, vote.comment = value, list(reasons), comment
            vote.save()
    return reply


def _keep(vote: Vote) -> None:
    VoteChange.objects.create(
        visitor_id=vote.visitor_id,
        message_id=vote.message_id,
        value=vote.value,
        reasons=vote.reasons,
        comment=vote.comment,
        voted=vote.changed,
    )


def _check(value: str | None, reasons: Sequence[str], comment: str) -> None:
    if value is not None and value not in Vote.Value.values:
        raise Refused(
            "vote_unknown", _("A vote is up, down, or nothing."), "value", ", ".join(Vote.Value.values)
        )
    if len(reasons) > MAX_REASONS:
        raise Refused(
            "too_many_reasons",
            _("At most %(limit)s reasons can be given.") % {"limit": MAX_REASONS},
            "reasons",
            MAX_REASONS,
        )
    for reason in reasons:
        if len(reason) > MAX_REASON_CHARACTERS:
            raise Refused(
                "reason_too_long",
                _("A reason may have at most %(limit)s characters.") % {"limit": MAX_REASON_CHARACTERS},
                "reasons",
                MAX_REASON_CHARACTERS,
            )
        check_storable(reason, "reasons")
    check_comment(comment)
