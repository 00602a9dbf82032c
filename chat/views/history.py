"""A visitor's own conversations: the list of them, their titles, and what of one is not on the page yet."""

import datetime
import uuid

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chat import conversations
from chat import history as history_of
from chat.generation import engine
from chat.images.signed import signed_page
from chat.limits.counting import count
from chat.models.limits import Counted
from chat.refusals import Refused
from chat.views.answers import own_key, read_body, refusals_as_json
from chat.visitors import has_token, visitor_key


class TitleBody(msgspec.Struct):
    title: str


@require_safe
@never_cache
@refusals_as_json
def history(request: HttpRequest) -> HttpResponse:
    """Give a page of the visitor's conversations.

    `before` (Unix seconds) goes on from an earlier answer; `q` keeps those with it in their title or messages.
    """
    before = None
    try:
        if seconds := request.GET.get("before"):
            before = datetime.datetime.fromtimestamp(float(seconds), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        raise Refused("bad_value", _("“before” must be a time in Unix seconds."), "before") from None
    key, words = visitor_key(request), request.GET.get("q", "")
    if key and words:
        count(request, Counted.SEARCHES)
    return JsonResponse(history_of.page_of(key, before, words))


@require_POST
@refusals_as_json
def rename(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Give one of the visitor's own conversations another title."""
    title = history_of.rename(own_key(request), conversation, read_body(request, TitleBody).title)
    engine.announce_title(conversation, title)
    return JsonResponse({"title": title})


@require_safe
@never_cache
@refusals_as_json
def earlier_messages(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Give the messages of a branch before the message `before`, which the page holds."""
    try:
        before = uuid.UUID(request.GET.get("before", ""))
    except ValueError:
        raise Refused("bad_value", _("“before” must be the id of a message."), "before") from None
    found = conversations.earlier(conversation, visitor_key(request), before)
    if found is None:
        raise Refused("not_found", _("This message does not exist."), "before")
    if has_token(request):
        found = signed_page(found)
    return HttpResponse(msgspec.json.encode(found), "application/json")
