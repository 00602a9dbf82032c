"""What visitors decide about their own data: terms, research, deletion, and the receipt that deletes later."""

import uuid

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat import consent, deletion, receipts
from chat.generation import engine
from chat.limits.counting import count
from chat.models.limits import Counted
from chat.privacy import cookies, kept
from chat.refusals import Refused
from chat.views.answers import own_key, read_body, refusals_as_json, status_of, tell_wait
from chat.visitors import forget, request_address, visitor_key


class ConsentBody(msgspec.Struct):
    terms: str | None = None
    research: bool | None = None


@never_cache
@require_http_methods(["GET", "POST"])
@refusals_as_json
def consent_view(request: HttpRequest) -> HttpResponse:
    """Tell what there is to accept and to switch; POST accepts, or switches: {"terms": version, "research"}."""
    if request.method == "POST":
        key, address = own_key(request), request_address(request)
        body = read_body(request, ConsentBody)
        if body.terms is not None:
            consent.accept_terms(key, address, body.terms)
        if body.research is not None:
            consent.allow_research(key, address, body.research)
    return JsonResponse(consent.consent_of(visitor_key(request)))


@require_POST
@refusals_as_json
def delete_conversation(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Delete one of the visitor's own conversations."""
    deletion.delete_conversation(own_key(request), conversation)
    engine.announce_deleted(conversation)
    return _cleared(JsonResponse({"deleted": True}))


@require_POST
@refusals_as_json
def delete_everything(request: HttpRequest) -> HttpResponse:
    """Delete all that is stored of the visitor, who is somebody new from then on."""
    _announce(deletion.delete_everything(own_key(request)))
    response = _cleared(JsonResponse({"deleted": True}))
    forget(response)
    return response


@require_POST
@refusals_as_json
def new_receipt(request: HttpRequest) -> HttpResponse:
    """Give a code that deletes everything later; it can't be shown again."""
    response = JsonResponse({"code": receipts.give_receipt(own_key(request))})
    response["Cache-Control"] = "no-store"
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def receipt(request: HttpRequest) -> HttpResponse:
    """Show the form for a receipt code, and delete what belongs to it. No answer tells which codes there are."""
    if request.method == "GET":
        return _form(request)
    try:
        count(request, Counted.RECEIPTS)
        _announce(deletion.delete_by_receipt(request.POST.get("code", "")[:200]))
    except Refused as refused:
        response = _form(request, status_of(refused), problem=refused.text)
        tell_wait(response, refused)
        return response
    return _form(request, done=True)


@never_cache
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Tell what is stored of whoever reads it, why, and for how long; sets no cookie."""
    return render(request, "chat/privacy.html", {"kept": kept(), "cookies": cookies()})


def _form(request: HttpRequest, status: int = 200, problem: str = "", done: bool = False) -> HttpResponse:
    context = {"problem": problem, "done": done, "days": settings.MMCHAT_KEEP_DELETED_DAYS}
    return render(request, "chat/receipt.html", context, status=status)


def _announce(conversations: list[uuid.UUID]) -> None:
    for conversation in conversations:
        engine.announce_deleted(conversation)


def _cleared(response: HttpResponse) -> HttpResponse:
    """Let the browser drop the pictures that it keeps of this site."""
    response["Clear-Site-Data"] = '"cache"'
    return response
