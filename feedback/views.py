"""Votes, preferences and flags over HTTP: JSON in, JSON out."""

import uuid

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from chat.conversations import opinions
from chat.events import Box
from chat.generation import engine
from chat.limits.counting import count
from chat.models import Message
from chat.models.limits import Counted
from chat.views.answers import own_key, read_body, refusals_as_json
from feedback import flags, preferences, votes
from feedback.models import VoteReason


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


@require_POST
@refusals_as_json
def vote(request: HttpRequest, message: uuid.UUID) -> HttpResponse:
    """Set, change or withdraw the visitor's vote: {"value": "up" | "down" | null, "reasons", "comment", "boxes"}."""
    key = _counted_key(request)
    body = read_body(request, VoteBody)
    reply = votes.set_vote(key, message, body.value, body.reasons, body.comment, body.boxes)
    return _announced(reply)


@require_POST
@refusals_as_json
def preference(request: HttpRequest, message: uuid.UUID) -> HttpResponse:
    """Mark a reply as better than its other variants, or take that back: {"preferred"}."""
    key = _counted_key(request)
    body = read_body(request, PreferenceBody)
    variants = preferences.set_preference(key, message, body.preferred)
    return _announced(*variants, answer=message)


@require_POST
@refusals_as_json
def flag(request: HttpRequest, message: uuid.UUID) -> HttpResponse:
    """Flag a reply: {"reason", "comment"}."""
    key = _counted_key(request)
    body = read_body(request, FlagBody)
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


def _counted_key(request: HttpRequest) -> uuid.UUID:
    """Give the key of the visitor who asks, and count that. Raises `Refused`."""
    key = own_key(request)
    count(request, Counted.OPINIONS)
    return key


def _announced(*replies: Message, answer: uuid.UUID | None = None) -> JsonResponse:
    """Tell the visitor's other tabs what now holds of these replies, and answer with that of one of them."""
    held = opinions([reply.pk for reply in replies])
    for reply in replies:
        engine.announce_feedback(reply.conversation_id, reply.pk, held[reply.pk])
    return JsonResponse(msgspec.to_builtins(held[answer or replies[0].pk]))
