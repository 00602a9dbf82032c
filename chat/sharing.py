"""Public links: made and taken back by a conversation's visitor, and what strangers see behind them."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from chat.conversations import title_of
from chat.failures import failure
from chat.images.blocks import is_blocked
from chat.models import (
    AuditEntry,
    Conversation,
    Image,
    Message,
    MessageImage,
    SharedLink,
    Visitor,
)
from chat.moderation.verdicts import REFUSAL_CODES
from chat.refusals import Refused
from chat.restrictions import hidden_replies

DESCRIPTION = 200  # characters
Person = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True)
class Picture:
    """A picture behind a link, by its number there, from 1; blocked ones keep their number and show nothing."""

    number: int
    image: Image
    shown: bool
    description: str  # its visitor's, or ""


@dataclass(frozen=True)
class SharedTurn:
    """A question and its reply as strangers see them; `hidden` where a moderator hides the reply."""

    question: str
    pictures: list[Picture]
    model: str
    model_name: str  # as its backend says it: what its numbers mean depends on it
    image_mode: str
    reply: str
    ending: str  # why the reply broke off, or ""
    hidden: bool


@dataclass(frozen=True)
class SharedConversation:
    """What a link shows at this moment."""

    key: uuid.UUID
    changed: datetime.datetime
    turns: list[SharedTurn]

    @property
    def title(self) -> str:
        """Name it by its first question: a title that its visitor chose went through no check."""
        first = self.turns[0]
        return title_of(first.question) or _("A conversation with %(model)s") % {"model": first.model}

    @property
    def description(self) -> str:
        """Give the beginning of the first reply, without what its model thought before, for previews."""
        said = next((turn.reply for turn in self.turns if turn.reply), "")
        if said.lstrip().startswith("<think>"):
            said = said.partition("</think>")[2]
        return Truncator(" ".join(said.split())).chars(DESCRIPTION)

    @property
    def pictures(self) -> list[Picture]:
        """Give all its pictures that may be shown."""
        return [picture for turn in self.turns for picture in turn.pictures if picture.shown]


def link_of(visitor_key: uuid.UUID, conversation_id: uuid.UUID) -> SharedLink | None:
    """Give the link that stands for a visitor's own conversation. Raises `Refused` for any other conversation."""
    conversation = Conversation.objects.owned_by(visitor_key).filter(pk=conversation_id).first()
    if conversation is None:
        raise _not_found()
    return conversation.links.standing().first()


def share(visitor_key: uuid.UUID, conversation_id: uuid.UUID, message_id: uuid.UUID) -> SharedLink:
    """Make a link to a visitor's own conversation up to one of its replies, or let the one that stands show that.

    Raises `Refused`: for somebody else's, for a reply that still runs, after staff took a link back.
    """
    with transaction.atomic():
        # Locked, so that two tabs make one link.
        own = Conversation.objects.owned_by(visitor_key).select_for_update()
        conversation = own.filter(pk=conversation_id).first()
        if conversation is None:
            raise _not_found()
        if Visitor.objects.blocked().filter(pk=visitor_key).exists():
            raise Refused("visitor_blocked", _("This browser has been blocked from sending messages."))
        # Locked too: staff or another tab may take a link back at this moment.
        links = list(conversation.links.select_for_update())
        if any(link.by_staff for link in links):
            raise Refused(
                "sharing_ended", _("A moderator took the link back. This conversation can't be shared again.")
            )
        last = conversation.messages.replies().filter(pk=message_id).first()
        if last is None:
            raise Refused("not_found", _("This reply does not exist."), "message")
        if last.is_live:
            raise Refused("reply_running", _("Wait until the reply has ended, then share it."), "message")
        standing = (link for link in links if link.revoked is None)
        link = next(standing, None) or SharedLink(conversation=conversation)
        link.last, link.changed = last, timezone.now()
        if not _turns(link):
            raise Refused("nothing_to_share", _("There is nothing in it yet that could be shown."), "message")
        link.save()
    return link


def revoke(visitor_key: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """Take back the link of a visitor's own conversation; without one nothing happens. Raises `Refused`."""
    link = link_of(visitor_key, conversation_id)
    if link is not None:
        SharedLink.objects.standing().filter(pk=link.pk).update(revoked=timezone.now())


def revoke_by_staff(links: Iterable[SharedLink], person: Person) -> int:
    """Take links back for good, each with an audit entry; give how many still stood."""
    number = 0
    for link in links:
        with transaction.atomic():
            # The conditional update decides between two who take it back at once.
            standing = SharedLink.objects.standing().filter(pk=link.pk)
            if not standing.update(revoked=timezone.now(), revoker=person.pk, by_staff=True):
                continue
            number += 1
            AuditEntry.objects.create(
                actor_id=person.pk,
                action="revoke_link",
                target=f"sharedlink {link.pk}",
                detail={"conversation": str(link.conversation_id)},
            )
    return number


def shared(key: uuid.UUID) -> SharedConversation | None:
    """Read what a link shows now; None for one that shows nothing, whatever the reason."""
    link = SharedLink.objects.public().select_related("last").filter(key=key).first()
    turns = _turns(link) if link else []
    return SharedConversation(key, link.changed, turns) if link and turns else None


def _turns(link: SharedLink) -> list[SharedTurn]:
    """Give the branch that leads to the link's reply, but what was refused, and nothing after a hidden reply."""
    path = _path(link.last)
    pictures = _pictures(path)
    hidden = hidden_replies([link.conversation_id]).get(link.conversation_id, [])
    turns = []
    for question, reply in zip(path[::2], path[1::2], strict=True):
        if reply.error_code in REFUSAL_CODES:
            continue
        is_hidden = reply.pk in hidden
        ending = "" if is_hidden else _ending(reply)
        turns.append(
            SharedTurn(
                question=question.text,
                pictures=pictures[question.pk],
                model=str(reply.model or ""),
                model_name=reply.model.name if reply.model else "",
                image_mode=reply.parameters.get("image_mode", ""),
                reply="" if is_hidden else reply.text,
                ending=ending,
                hidden=is_hidden,
            )
        )
        if is_hidden:
            break  # what follows may repeat it
    return turns


def _path(last: Message) -> list[Message]:
    """Give the messages from the first question to a reply; questions and replies take turns."""
    before = Message.objects.filter(conversation=last.conversation_id, position__lte=last.position)
    by_id = {row.pk: row for row in before.select_related("model").defer("error_detail")}
    path = []
    current = by_id.get(last.pk)
    while current is not None:
        path.append(current)
        current = by_id.get(current.parent_id) if current.parent_id else None
    return path[::-1]


def _pictures(path: Iterable[Message]) -> dict[uuid.UUID, list[Picture]]:
    order = {message.pk: place for place, message in enumerate(path)}
    rows = MessageImage.objects.filter(message__in=order).select_related("upload__image")
    found: dict[uuid.UUID, list[Picture]] = defaultdict(list)
    in_order = sorted(rows, key=lambda row: (order[row.message_id], row.position))
    for number, row in enumerate(in_order, start=1):
        image = row.upload.image
        shown = bool(image.file) and not is_blocked(image)
        found[row.message_id].append(Picture(number, image, shown, row.upload.description))
    return found


def _ending(reply: Message) -> str:
    if reply.state == "complete":
        return ""
    told = failure(reply.error_code)
    return told.text if told else _("This reply was stopped.")


def _not_found() -> Refused:
    return Refused("not_found", _("This conversation does not exist."), "conversation")
