"""Read conversations, votes and flags."""

import uuid
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Query

from chat.models import Conversation, Message, MessageImage
from chat.models.conversations import LIVE_STATES
from chat.moderation.verdicts import NOT_SENT_CODES, REFUSAL_CODES
from chat.refusals import Refused
from chat.restrictions import hidden_replies
from feedback.api import schemas
from feedback.api.cursors import page
from feedback.api.site import PROBLEMS, PROBLEMS_OF_ONE, api, need
from feedback.exchange import choice as choices
from feedback.exchange.reading import allowed_conversations
from feedback.exchange.records import LOGGED
from feedback.models import Flag, Scope, Vote


@api.get(
    "/conversations", response={200: schemas.Conversations, **PROBLEMS}, summary="Conversations, oldest first"
)
def conversations(request: HttpRequest, wanted: Query[schemas.Page]) -> dict[str, Any]:
    need(request, Scope.CONVERSATIONS)
    choice = _choice(wanted)
    rows = _within(allowed_conversations(choice), choice).select_related("model")
    if choice.models:
        rows = rows.filter(model__name__in=choice.models)
    found, after = page(rows, wanted.cursor, wanted.limit)
    return {"items": [_conversation(row) for row in found], "next": after}


@api.get(
    "/conversations/{conversation}",
    response={200: schemas.ConversationDetail, **PROBLEMS_OF_ONE},
    summary="One conversation with its messages",
)
def conversation(request: HttpRequest, conversation: uuid.UUID, consent: str | None = None) -> dict[str, Any]:
    """Left out are replies that still run, whose text is not checked yet, that moderators hide or checks keep back,
    and messages that moderation refused."""
    need(request, Scope.CONVERSATIONS)
    choice = choices.read({"consent": consent}, LOGGED)
    row = get_object_or_404(allowed_conversations(choice).select_related("model"), pk=conversation)
    refused = Message.objects.filter(parent=OuterRef("pk"), error_code__in=NOT_SENT_CODES)
    messages = (
        Message.objects.filter(conversation=row)
        .exclude(pk__in=hidden_replies([row.pk]).get(row.pk, []))
        .exclude(error_code__in=REFUSAL_CODES)
        .exclude(state__in=LIVE_STATES)
        .exclude(Exists(refused))
        .select_related("model")
        .prefetch_related(
            Prefetch("images", MessageImage.objects.select_related("upload__image").order_by("position"))
        )
        .in_order()
    )
    return {
        **_conversation(row),
        "template": row.template,
        "system_message": row.system_message,
        "messages": [_message(each) for each in messages],
    }


@api.get("/votes", response={200: schemas.Votes, **PROBLEMS}, summary="Votes, oldest first")
def votes(request: HttpRequest, wanted: Query[schemas.VotePage]) -> dict[str, Any]:
    need(request, Scope.VOTES)
    rows = _about_replies(Vote.objects.all(), _choice(wanted))
    if wanted.value is not None:
        rows = rows.filter(value=_one_of("value", wanted.value, Vote.Value.values))
    found, after = page(rows, wanted.cursor, wanted.limit)
    names = ("value", "reasons", "comment", "boxes", "changed")
    return {"items": [_about(row, names) for row in found], "next": after}


@api.get("/flags", response={200: schemas.Flags, **PROBLEMS}, summary="Flags, oldest first")
def flags(request: HttpRequest, wanted: Query[schemas.FlagPage]) -> dict[str, Any]:
    need(request, Scope.FLAGS)
    rows = _about_replies(Flag.objects.all(), _choice(wanted))
    if wanted.state is not None:
        rows = rows.filter(state=_one_of("state", wanted.state, Flag.State.values))
    if wanted.reason is not None:
        rows = rows.filter(reason=_one_of("reason", wanted.reason, Flag.Reason.values))
    found, after = page(rows, wanted.cursor, wanted.limit)
    return {
        "items": [_about(row, ("reason", "comment", "state", "reviewed")) for row in found],
        "next": after,
    }


def _choice(wanted: schemas.Page) -> choices.Choice:
    names = ("since", "until", "models", "languages", "consent")
    return choices.read({name: getattr(wanted, name) for name in names}, LOGGED)


def _one_of(field: str, value: str, allowed: list[str]) -> str:
    if value not in allowed:
        raise Refused("filter_invalid", _("Unknown value."), field, ", ".join(allowed))
    return value


def _within(rows: QuerySet[Any], choice: choices.Choice) -> QuerySet[Any]:
    if choice.since:
        rows = rows.filter(created__gte=choice.since)
    return rows.filter(created__lt=choice.until) if choice.until else rows


def _about_replies(rows: QuerySet[Any], choice: choices.Choice) -> QuerySet[Any]:
    """Keep what was said of replies that exports may hold."""
    replies = (
        Message.objects.not_hidden().exclude(error_code__in=REFUSAL_CODES).filter(pk=OuterRef("message"))
    )
    if choice.models:
        replies = replies.filter(model__name__in=choice.models)
    place = allowed_conversations(choice).filter(pk=OuterRef("message__conversation"))
    return (
        _within(rows, choice)
        .filter(Exists(replies), Exists(place.order_by()))
        .select_related("message__model")
    )


def _conversation(row: Conversation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "model": row.model.name,
        "language": row.language,
        "research": row.research,
        "created": row.created,
        "updated": row.updated,
    }


def _message(row: Message) -> dict[str, Any]:
    images = [use.upload.image for use in row.images.all()]
    said = {
        "id": row.pk,
        "parent": row.parent_id,
        "role": row.role,
        "text": row.text,
        "images": [{"md5": each.md5, "width": each.width, "height": each.height} for each in images],
        "created": row.created,
    }
    if not row.is_reply:
        return said
    return said | {
        "variant": row.variant,
        "model": row.model.name if row.model else None,
        "state": row.state,
        "error": row.error_code or None,
        "parameters": row.parameters,
        "sent": row.sent,
        "finished": row.finished,
    }


def _about(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    message: Message = row.message
    return {
        "id": row.pk,
        "conversation_id": message.conversation_id,
        "message_id": message.pk,
        "model": message.model.name if message.model else None,
        "created": row.created,
        **{name: getattr(row, name) for name in names},
    }
