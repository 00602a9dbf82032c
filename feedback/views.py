"""Votes, preferences and flags over HTTP: JSON in, JSON out."""

import logging
import re
import uuid
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from chat.conversations import opinions
from chat.database import UNAVAILABLE
from chat.events import Box
from chat.generation import engine
from chat.models import Message
from chat.refusals import Refused
from chat.visitors import visitor_key
from feedback import flags, preferences, votes
from feedback.limits import MAX_BODY_BYTES
from feedback.models import VoteReason

logger = logging.getLogger(__name__)

STATUSES = {
    "no_visitor": 403,
    "visitor_blocked": 403,
    "not_found": 404,
    "body_too_large": 413,
    "storage_unavailable": 503,
}


class VoteBody(msgspec.Struct):
    value: str | None
    reasons: list[str] = []
    comment: str = ""
    boxes: list[Box] = []


class PreferenceBody(msgspec.Struct):
    preferred: bool


class FlagBody(msgspec.Struct):
    reason: str
    comment: str = ""


Body = TypeVar("Body", VoteBody, PreferenceBody, FlagBody)
View = Callable[[HttpRequest, uuid.UUID], HttpResponse]


def refusals_as_json(view: View) -> View:
    """Turn `Refused` into the JSON that the page shows."""

    @wraps(view)
    def answered(request: HttpRequest, message: uuid.UUID) -> HttpResponse:
        try:
            return view(request, message)
        except Refused as refused:
            return _refusal(refused)
        except UNAVAILABLE as error:
            logger.error("feedback on reply %s could not be stored: %s", message, error)
            text = _("The site could not store this just now. Please try again in a moment.")
            return _refusal(Refused("storage_unavailable", text))

    return answered


def _refusal(refused: Refused) -> JsonResponse:
    error = {"code": refused.code, "text": refused.text, "field": refused.field, "limit": refused.limit}
    return JsonResponse({"error": error}, status=STATUSES.get(refused.code, 400))


@require_POST
@refusals_as_json
def vote(request: HttpRequest, message: uuid.UUID) -> HttpResponse:
    """Set, change or withdraw the visitor's vote: {"value": "up" | "down" | null, "reasons", "comment", "boxes"}."""
    key = _visitor(request)
    body = _read(request, VoteBody)
    reply = votes.set_vote(key, message, body.value, body.reasons, body.comment, body.boxes)
    return _announced(reply)


@require_POST
@refusals_as_json
def preference(request: HttpRequest, message: uuid.UUID) -> HttpResponse:
    """Mark a reply as better than its other variants, or take that back: {"preferred"}."""
    key = _visitor(request)
    body = _read(request, PreferenceBody)
    variants = preferences.set_preference(key, message, body.preferred)
    return _announced(*variants, answer=message)


@require_POST
@refusals_as_json
def flag(request: HttpRequest, message: uuid.UUID) -> HttpResponse:
    """Flag a reply: {"reason", "comment"}."""
    key = _visitor(request)
    body = _read(request, FlagBody)
    reply = flags.flag(key, message, body.reason, body.comment)
    return _announced(reply)


@require_safe
def reasons(request: HttpRequest) -> JsonResponse:
    """Give the reasons that a vote may have, in the language of the page."""
    offered = [
        {"key": reason.key, "label": reason.words(), "applies_to": reason.applies_to}
        for reason in VoteReason.objects.offered()
    ]
    return JsonResponse({"reasons": offered})


def _visitor(request: HttpRequest) -> uuid.UUID:
    key = visitor_key(request)
    if key is None:
        raise Refused("no_visitor", _("Reload the page."))
    return key


def _read(request: HttpRequest, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(_bytes(request), type=kind)
    except msgspec.ValidationError as error:
        raise Refused("field_invalid", _("A field is missing or of the wrong type."), _field(error)) from None
    # msgspec reports a lone surrogate or bad UTF-8 inside a string as a UnicodeDecodeError.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("body_unreadable", _("The request is not readable JSON.")) from None


def _bytes(request: HttpRequest) -> bytes:
    too_large = Refused("body_too_large", _("The request is too large."), limit=MAX_BODY_BYTES)
    try:
        body = request.body
    except RequestDataTooBig:
        raise too_large from None
    if len(body) > MAX_BODY_BYTES:
        raise too_large
    return body


def _field(error: msgspec.ValidationError) -> str | None:
    """Give the field that an error of msgspec speaks of, which it says only in words."""
    found = re.search(r"at `\$\.(\w+)|required field `(\w+)`", str(error))
    return found.group(1) or found.group(2) if found else None


def _announced(*replies: Message, answer: uuid.UUID | None = None) -> JsonResponse:
    """Tell the visitor's other tabs what now holds of these replies, and answer with that of one of them."""
    held = opinions([reply.pk for reply in replies])
    for reply in replies:
        engine.announce_feedback(reply.conversation_id, reply.pk, held[reply.pk])
    return JsonResponse(msgspec.to_builtins(held[answer or replies[0].pk]))
