"""The visitor's pages, and the list of models that they ask for."""

import uuid
from typing import Any, TypedDict

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

import mmchat_site
from chat import embedding, parameters, registry
from chat.consent import consent_of
from chat.demo import reading
from chat.host import Host, HostRows, host, stored
from chat.models import Conversation
from chat.modules import later_urls, module_urls
from chat.reasons import flag_reasons
from chat.translations import ASKED
from chat.visitors import remember, token_for, visitor_key
from chat.words import page_words

THEMES = ("light", "dark")
SCRIPT, READING, FRAME = "js/page.js", "js/components/reading.js", "js/components/frame.js"


class Frame(TypedDict):
    """What the page needs in a frame: a token for who has none yet, and the origins that it may tell its height."""

    token: str
    origins: list[str]


# Model output reaches the DOM only through DOMPurify; see docs/security.md.
TRUSTED_TYPES = {"require-trusted-types-for": ["'script'"], "trusted-types": ["dompurify"]}
trusted_types = csp_update(TRUSTED_TYPES)


@require_safe
@never_cache
@trusted_types
def new_conversation(request: HttpRequest) -> HttpResponse:
    """Show the page with an empty conversation."""
    return _remembered(request, _page(request, None))


@require_safe
@never_cache
@trusted_types  # type: ignore[arg-type]  # its annotation forgets views that take arguments
def conversation(request: HttpRequest, conversation: uuid.UUID) -> HttpResponse:
    """Show one of the visitor's own conversations; anybody else's is the same 404 as none."""
    found = (
        Conversation.objects.owned_by(visitor_key(request))
        .select_related("model")
        .filter(pk=conversation)
        .first()
    )
    if found is None:
        raise Http404
    return _remembered(request, _page(request, found))


@require_safe
@never_cache
@trusted_types
def embed(request: HttpRequest) -> HttpResponse:
    """Show the page without title and terms, for the frames of allowed sites: without cookies, with a token.

    `model`, `theme` (light, dark) and `lang` choose how it begins.
    """
    origins = embedding.origins()
    response = _page(request, None, Frame(token=token_for(uuid.uuid4()), origins=origins))
    embedding.allow_frames(response, origins)
    return response


@require_safe
@never_cache
def models(request: HttpRequest) -> JsonResponse:
    """Give the list of models as it is now, and with it the one that `model` names, if that is shown by link only."""
    registry.refresh_for_page()
    return JsonResponse(registry.page_models(_for_staff(request), selected=request.GET.get("model")))


def preview(request: HttpRequest, rows: HostRows) -> HttpResponseBase:
    """Show the page as it would be with rows that are not stored yet; whoever calls has seen that staff may."""

    # Whoever tries an example fetches its pictures, which are in the page itself while they are not stored.
    @never_cache
    @csp_update({**TRUSTED_TYPES, "connect-src": ["data:"]})
    def show(request: HttpRequest) -> HttpResponse:
        return _remembered(request, _page(request, None, rows=rows, is_preview=True))

    return show(request)


def _page(
    request: HttpRequest,
    found: Conversation | None,
    frame: Frame | None = None,
    rows: HostRows | None = None,
    is_preview: bool = False,
) -> HttpResponse:
    registry.refresh_for_page()
    shown = host(rows or stored())
    theme = request.GET.get("theme") if frame else None
    context = {
        "host": shown,
        "is_preview": is_preview,
        "in_frame": frame is not None,
        "embed": (frame is not None or settings.MMCHAT_EMBED) and not is_preview,
        "theme": theme if theme in THEMES else "",
        "conversation": found,
        "bootstrap": _bootstrap(request, found, frame, shown),
        "words": page_words(),
        "modules": module_urls(SCRIPT, *([FRAME] if frame else []), *([READING] if found else [])),
    }
    return render(request, "chat/page.html", context)


def _remembered(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    remember(request, response)
    return response


def _bootstrap(
    request: HttpRequest, found: Conversation | None, frame: Frame | None, shown: Host
) -> dict[str, Any]:
    anything = uuid.UUID(int=0)
    return {
        "version": mmchat_site.__version__,
        "csrf_token": "" if frame else get_token(request),  # asking for it sets a cookie
        "conversation": found.pk if found else None,
        "title": found.title if found else "",
        "frame": frame,
        "socket": f"/ws/chat/?{ASKED}={get_language()}",  # what it says stands on this page
        "urls": {
            "new": request.get_full_path() if frame else reverse("chat:new"),
            "conversation": _pattern("chat:conversation", "{id}", anything),
            "earlier_messages": _pattern("chat:earlier_messages", "{id}", anything),
            "upload": reverse("chat:upload"),
            "describe_image": _pattern("chat:describe_image", "{id}", anything),
            "history": reverse("chat:history"),
            "models": reverse("chat:models"),
            "announcements": reverse("chat:announcements"),
            "consent": reverse("chat:consent"),
            "rename": _pattern("chat:rename", "{id}", anything),
            "delete_conversation": _pattern("chat:delete_conversation", "{id}", anything),
            "share": _pattern("chat:share", "{id}", anything),
            "revoke_link": _pattern("chat:revoke_link", "{id}", anything),
            "download": _pattern("chat:download", "{id}", anything),
            "delete_everything": reverse("chat:delete_everything"),
            "new_receipt": reverse("chat:new_receipt"),
            "receipt": reverse("chat:receipt"),
            "inspect": _pattern("chat:inspect", "{id}", anything),
            "vote": _pattern("feedback:vote", "{message}", anything),
            "flag": _pattern("feedback:flag", "{message}", anything),
            "preference": _pattern("feedback:preference", "{message}", anything),
            "vote_reasons": reverse("feedback:reasons"),
        },
        "reading": [] if found else later_urls(SCRIPT, READING),
        "models": registry.page_models(
            _for_staff(request), found.model.name if found else None, request.GET.get("model")
        ),
        "parameters": parameters.ranges(),
        "limits": {
            "text": settings.MMCHAT_MAX_MESSAGE_CHARACTERS,
            "image_bytes": int(settings.MMCHAT_MAX_IMAGE_MEGABYTES * 1024 * 1024),
            "image_pixels": int(settings.MMCHAT_MAX_IMAGE_MEGAPIXELS * 1_000_000),
            "image_side": settings.MMCHAT_MAX_IMAGE_SIDE,
            "scale_to": settings.MMCHAT_SCALE_IMAGES_TO,
            "formats": ["image/png", "image/jpeg", "image/webp", "image/gif"],
        },
        "flag_reasons": flag_reasons(),
        "consent": consent_of(None if frame else visitor_key(request)),
        "kept_days": settings.MMCHAT_KEEP_DELETED_DAYS,
        "announcements": shown.announcements,
        "examples": shown.examples,
        "reads_text": settings.MMCHAT_DEMO and reading.INSTALLED,
    }


def _pattern(name: str, placeholder: str, anything: uuid.UUID) -> str:
    return reverse(name, args=[anything]).replace(str(anything), placeholder)


def _for_staff(request: HttpRequest) -> bool:
    return admin.site.has_permission(request)
