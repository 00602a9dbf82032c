"""Take something away and give it back: hide a reply, block a picture, block a visitor. Each leaves an audit entry."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.kept import Kept
from chat.models import (
    AuditEntry,
    BlockedImage,
    BlockedVisitor,
    HiddenReply,
    Image,
    Message,
    Restriction,
    Visitor,
)
from chat.refusals import Refused

Kind = TypeVar("Kind", bound=Restriction)
Person = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True)
class Grounds:
    """Say who restricts, why, and until when; without an end it is for good."""

    creator: Person
    reason: str
    until: datetime.datetime | None = None


def hide_reply(reply: Message, grounds: Grounds) -> HiddenReply:
    """Keep a reply out of public pages and exports. Raises `Refused`, as the two below do."""
    if not reply.is_reply:
        raise Refused("not_a_reply", _("Only replies can be hidden."), "message")
    return _add(HiddenReply(message=reply), f"message {reply.pk}", "hide_reply", grounds)


def block_image(image: Image, grounds: Grounds) -> BlockedImage:
    """Take and show a picture no more, nor pictures that look like it."""
    looks = {name: getattr(image, name) for name in ("md5", "width", "height", "difference_hash")}
    return _add(BlockedImage(image=image, **looks), f"image {image.pk} {image.md5}", "block_image", grounds)


def block_visitor(visitor: Visitor, grounds: Grounds) -> BlockedVisitor:
    """Take nothing more from a visitor; every process closes the visitor's sockets when it next looks, every 2 s."""
    return _add(BlockedVisitor(visitor=visitor), f"visitor {visitor.pk}", "block_visitor", grounds)


def lift(restriction: Restriction, person: Person) -> bool:
    """End a restriction now; False when it had been lifted before."""
    with transaction.atomic():
        now = timezone.now()
        # The conditional update decides between two who lift at once.
        rows = type(restriction)._default_manager.filter(pk=restriction.pk, lifted__isnull=True)
        if not rows.update(lifted=now, lifter=person.pk):
            return False
        AuditEntry.objects.create(
            actor_id=person.pk,
            action=f"lift_{restriction._meta.model_name}",
            target=f"{restriction._meta.model_name} {restriction.pk}",
            detail={"of": str(restriction), "reason": restriction.reason},
        )
    Kept.forget_all()  # other processes read blocks of pictures anew within a second
    return True


def hidden_replies(conversations: Collection[uuid.UUID]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Give the replies of these conversations that moderators hide at this moment, by conversation.

    A reply that goes on from a hidden one begins with its text, so it is hidden too.
    """
    rows = HiddenReply.objects.in_force().filter(message__conversation__in=conversations)
    found = list(rows.order_by("pk").values_list("message__conversation", "message"))
    hidden: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    while found:
        for conversation, reply in found:
            hidden[conversation].append(reply)
        longer = Message.objects.filter(continues__in=[reply for _, reply in found]).order_by("pk")
        found = list(longer.values_list("conversation", "pk"))
    return hidden


def _add(restriction: Kind, target: str, action: str, grounds: Grounds) -> Kind:
    _check(grounds)
    restriction.reason, restriction.until = grounds.reason.strip(), grounds.until
    restriction.creator_id = grounds.creator.pk
    with transaction.atomic():
        restriction.save(force_insert=True)
        AuditEntry.objects.create(
            actor_id=grounds.creator.pk,
            action=action,
            target=target,
            detail={
                "row": restriction.pk,
                "reason": restriction.reason,
                "until": grounds.until.isoformat() if grounds.until else None,
            },
        )
    Kept.forget_all()
    return restriction


def _check(grounds: Grounds) -> None:
    if not grounds.reason.strip():
        raise Refused("reason_missing", _("Say why, so that others can judge it."), "reason")
    if grounds.until and grounds.until <= timezone.now():
        raise Refused("until_past", _("This time is over already."), "until")
