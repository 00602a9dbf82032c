"""The visitor's pages, and what they ask for over HTTP: history and the list of models."""

import datetime
import uuid
from typing import Any

from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

import mmchat_site
from chat import parameters, registry
from chat.consent import consent_of
from chat.demo import reading
from chat.models import Conversation, Example, SiteText, Terms
from chat.reasons import flag_reasons
from chat.visitors import remember, visitor_key
from chat.words import page_words

HISTORY_PAGE = 50

# Model output reaches the DOM only through DOMPurify; see docs/security.md.
trusted_types = csp_update({"require-trusted-types-for": ["'script'"], "trusted-types": ["dompurify"]})


@require_safe
@never_cache
@trusted_types
def new_conversation(request: HttpRequest) -> HttpResponse:
    """Show the page with an empty conversation."""
    return _page(request, None, settings.MMCHAT_EMBED)


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
    return _page(request, found, settings.MMCHAT_EMBED)


@require_safe
@never_cache
@xframe_options_exempt
@trusted_types
@csp_replace({"frame-ancestors": settings.MMCHAT_EMBED_ORIGINS or ["'none'"]})
def embed(request: HttpRequest) -> HttpResponse:
    """Show the page without title and terms, for the frames of allowed sites."""
    return _page(request, None, embed=True)


@require_safe
@never_cache
def models(request: HttpRequest) -> JsonResponse:
    """Give the list of models as it is now."""
    registry.refresh_for_page()
    return JsonResponse(registry.page_models(_for_staff(request)))


@require_safe
@never_cache
def history(request: HttpRequest) -> JsonResponse:
    """Give the visitor's conversations, newest first, 50 at a time.

    `before` (Unix seconds) goes on from an earlier answer; `q` keeps those with it in their title.
    """
    rows = Conversation.objects.owned_by(visitor_key(request)).select_related("model").order_by("-updated")
    try:
        if before := request.GET.get("before"):
            rows = rows.filter(updated__lt=datetime.datetime.fromtimestamp(float(before), datetime.UTC))
    except (ValueError, OverflowError, OSError):
        return JsonResponse(
            {
                "error": {
                    "code": "bad_value",
                    "text": _("“before” must be a time in Unix seconds."),
                    "field": "before",
                }
            },
            status=400,
        )
    if words := request.GET.get("q", "").replace("\0", "").strip()[:100]:
        rows = rows.filter(title__icontains=words)
    page = list(rows[: HISTORY_PAGE + 1])
    return JsonResponse(
        {
            "conversations": [
                {
                    "id": row.pk,
                    "title": row.title,
                    "model": str(row.model),
                    "updated": row.updated.timestamp(),
                }
                for row in page[:HISTORY_PAGE]
            ],
            "more": len(page) > HISTORY_PAGE,
        }
    )


def _page(request: HttpRequest, found: Conversation | None, embed: bool) -> HttpResponse:
    registry.refresh_for_page()
    context = {
        "site_text": SiteText.objects.first() or SiteText(),
        "terms": Terms.objects.in_force(),
        "embed": embed,
        "conversation": found,
        "bootstrap": _bootstrap(request, found, embed),
        "words": page_words(),
    }
    response = render(request, "chat/page.html", context)
    remember(request, response)
    return response


def _bootstrap(request: HttpRequest, found: Conversation | None, embed: bool) -> dict[str, Any]:
    anything = uuid.UUID(int=0)
    return {
        "version": mmchat_site.__version__,
        "csrf_token": get_token(request),
        "conversation": found.pk if found else None,
        "title": found.title if found else "",
        "embed": embed,
        "socket": "/ws/chat/",
        "urls": {
            "new": reverse("chat:embed") if embed and not settings.MMCHAT_EMBED else reverse("chat:new"),
            "conversation": _pattern("chat:conversation", "{id}", anything),
            "upload": reverse("chat:upload"),
            "history": reverse("chat:history"),
            "models": reverse("chat:models"),
            "consent": reverse("chat:consent"),
            "delete_conversation": _pattern("chat:delete_conversation", "{id}", anything),
            "delete_everything": reverse("chat:delete_everything"),
            "new_receipt": reverse("chat:new_receipt"),
            "receipt": reverse("chat:receipt"),
            "vote": _pattern("feedback:vote", "{message}", anything),
            "flag": _pattern("feedback:flag", "{message}", anything),
            "preference": _pattern("feedback:preference", "{message}", anything),
            "vote_reasons": reverse("feedback:reasons"),
        },
        "models": registry.page_models(
            _for_staff(request), found.model.name if found else None, request.GET.get("model")
        ),
        "parameters": parameters.ranges(),
        "limits": {
            "text": settings.MMCHAT_MAX_MESSAGE_CHARACTERS,
            "image_bytes": int(settings.MMCHAT_MAX_IMAGE_MEGABYTES * 1024 * 1024),
            "image_pixels": int(settings.MMCHAT_MAX_IMAGE_MEGAPIXELS * 1_000_000),
            "image_side": settings.MMCHAT_MAX_IMAGE_SIDE,
            "formats": ["image/png", "image/jpeg", "image/webp", "image/gif"],
        },
        "flag_reasons": flag_reasons(),
        "consent": consent_of(visitor_key(request)),
        "kept_days": settings.MMCHAT_KEEP_DELETED_DAYS,
        "examples": [
            {
                "question": example.question,
                "picture": _example_picture(example),
                "description": example.picture_description,
            }
            for example in Example.objects.filter(enabled=True)
        ],
        "reads_text": settings.MMCHAT_DEMO and reading.INSTALLED,
    }


def _pattern(name: str, placeholder: str, anything: uuid.UUID) -> str:
    return reverse(name, args=[anything]).replace(str(anything), placeholder)


def _example_picture(example: Example) -> str | None:
    if example.picture:
        return reverse("chat:example_picture", args=[example.pk])
    return static(example.shipped_picture) if example.shipped_picture else None


def _for_staff(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_staff
