"""Votes of visitors on replies: one per visitor and reply, with the history of its changes."""

import uuid
from collections.abc import Sequence

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _

from chat.events import Box
from chat.models import Message
from chat.refusals import Refused
from feedback.boxes import check_boxes
from feedback.limits import check_comment
from feedback.models import Vote, VoteChange, VoteReason
from feedback.replies import lock_own_reply


def set_vote(
    visitor_key: uuid.UUID,
    message_id: uuid.UUID,
    value: str | None,
    reasons: Sequence[str] = (),
    comment: str = "",
    boxes: Sequence[Box] = (),
) -> Message:
    """Set, change or withdraw (`value` None) a visitor's vote on a reply; give the reply.

    `reasons` are keys of `VoteReason`, `boxes` parts of the images that led to the reply. What a change would lose
    goes to `VoteChange`. Voting the same again changes nothing. A reply that is still running may be voted on.
    Raises `Refused` for a reply that is not the visitor's own, and for bad values.
    """
    if value is not None and value not in Vote.Value.values:
        raise Refused(
            "vote_unknown", _("A vote is up, down, or nothing."), "value", ", ".join(Vote.Value.values)
        )
    check_comment(comment)
    with transaction.atomic():
        reply = lock_own_reply(visitor_key, message_id)
        vote = Vote.objects.filter(visitor_id=visitor_key, message=reply).first()
        if value is None:
            if vote is not None:
                _keep(vote)
                vote.delete()
            return reply
        _check_reasons(value, reasons, vote)
        check_boxes(reply, boxes)
        new = Vote(
            visitor_id=visitor_key,
            message=reply,
            model_id=reply.model_id,
            value=value,
            reasons=list(dict.fromkeys(reasons)),
            comment=comment,
            boxes=msgspec.to_builtins(list(boxes)),
        )
        if vote is None:
            new.save(force_insert=True)
        elif not vote.says_the_same_as(new):
            if vote.says_more_than(new):
                _keep(vote)
            new.pk, new.created = vote.pk, vote.created
            new.save(force_update=True)
    return reply


def _keep(vote: Vote) -> None:
    VoteChange.objects.create(
        visitor_id=vote.visitor_id,
        message_id=vote.message_id,
        value=vote.value,
        reasons=vote.reasons,
        comment=vote.comment,
        boxes=vote.boxes,
        voted=vote.changed,
    )


def _check_reasons(value: str, reasons: Sequence[str], before: Vote | None) -> None:
    """Raise `Refused` for a reason that is not offered with this vote, unless the vote has it already."""
    if not reasons:
        return
    offered = {reason.key for reason in VoteReason.objects.filter(enabled=True) if reason.may_go_with(value)}
    had = before.reasons if before is not None and before.value == value else []
    if unknown := set(reasons).difference(offered, had):
        raise Refused(
            "reason_unknown",
            _("A reason is not offered for this vote: %(reason)s") % {"reason": min(unknown)[:40]},
            "reasons",
            ", ".join(sorted(offered)),
        )
