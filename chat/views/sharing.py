"""What visitors give away of a conversation and take with them, and the public page behind a link."""

import uuid

import msgspec
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat import sharing, takeaway
from chat.limits.counting import count
from chat.models import SharedLink
from chat.models.limits import Counted
from chat.sharing import Picture, SharedConversation
from chat.views.answers import own_key, read_body, refusals_as_json
from chat.views.images import picture_response
from chat.views.pages import trusted_types
from chat.words import page_words


class ShareBody(msgspec.Struct):
    message: uuid.UUID


@never_cache
@require_http_methods(["GET", "POST"])
@refusals_as_json
def link(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Tell of the link that stands for an own conversation; POST makes it show all up to {"message"}, a reply."""
    key = own_key(request)
    if request.method == "POST":
        count(request, Counted.LINKS)
        return _told(request, sharing.share(key, conversation, read_body(request, ShareBody).message))
    return _told(request, sharing.link_of(key, conversation))


@require_POST
@refusals_as_json
def revoke(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Take back the link of an own conversation."""
    sharing.revoke(own_key(request), conversation)
    return _told(request, None)


@never_cache
@require_safe
@refusals_as_json
def download(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Give an own conversation as data; `message` is the last one that is on screen."""
    return JsonResponse(takeaway.conversation(own_key(request), conversation, request.GET.get("message", "")))


@require_safe
@never_cache
@trusted_types  # type: ignore[arg-type]  # its annotation forgets views that take arguments
def page(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show what is behind a link to everybody who has it."""
    found = _found(key)
    context = {
        "shared": found,
        "address": _absolute(request, reverse("chat:shared", args=[key])),
        "preview": _absolute(request, reverse("chat:shared_preview", args=[key])),
        "words": page_words(),
    }
    response = render(request, "chat/shared.html", context)
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


@require_safe
def picture(request: HttpRequest, key: uuid.UUID, number: int) -> HttpResponse:
    """Show a picture behind a link, as it was stored."""
    image = _picture(key, number).image
    return _kept_briefly(picture_response(request, image, image.file.name or "", "image/png"))


@require_safe
def thumbnail(request: HttpRequest, key: uuid.UUID, number: int) -> HttpResponse:
    """Show the small copy of a picture behind a link."""
    image = _picture(key, number).image
    return _kept_briefly(picture_response(request, image, image.thumbnail.name or "", "image/webp"))


@require_safe
def preview(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Show the first picture behind a link to whatever draws a preview of it."""
    first = next(iter(_found(key).pictures), None)
    if first is None:
        raise Http404
    # Not everything that draws previews reads WebP.
    if jpeg := first.image.jpeg.name:
        response = picture_response(request, first.image, jpeg, "image/jpeg")
    else:
        response = picture_response(request, first.image, first.image.thumbnail.name or "", "image/webp")
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return _kept_briefly(response)


def _told(request: HttpRequest, found: SharedLink | None) -> JsonResponse:
    if found is None:
        return JsonResponse({"link": None})
    url = _absolute(request, reverse("chat:shared", args=[found.key]))
    return JsonResponse(
        {"link": {"url": url, "message": found.last_id, "changed": found.changed.timestamp()}}
    )


def _absolute(request: HttpRequest, path: str) -> str:
    return settings.MMCHAT_ORIGIN + path if settings.MMCHAT_ORIGIN else request.build_absolute_uri(path)


def _found(key: uuid.UUID) -> SharedConversation:
    found = sharing.shared(key)
    if found is None:
        raise Http404
    return found


def _picture(key: uuid.UUID, number: int) -> Picture:
    picture = next((each for each in _found(key).pictures if each.number == number), None)
    if picture is None:
        raise Http404
    return picture


def _kept_briefly(response: HttpResponse) -> HttpResponse:
    """Let browsers ask again each time: a link that is taken back takes its pictures along."""
    response["Cache-Control"] = "no-cache, private"
    response["X-Robots-Tag"] = "noindex"
    return response
