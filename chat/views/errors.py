"""What a request gets that fails: a page for people, JSON for scripts, by what they say that they accept.

Nothing here reads the database: it may be what failed, and Django draws these pages in threads whose connections
nobody closes.
"""

import logging
from typing import NamedTuple

from csp.middleware import CSPMiddleware
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat import embedding
from chat.images.errors import error_of
from chat.refusals import Refused
from chat.translations import language_of
from chat.views.answers import tell_wait
from mmchat_site.headers import PagePolicyMiddleware

log = logging.getLogger(__name__)


class Words(NamedTuple):
    """What an error is called for scripts, and what a page says of it."""

    code: str
    heading: Promise
    advice: Promise


ERRORS = {
    400: Words(
        "bad_request",
        _("This request could not be read"),
        _("Something in the address or the form was not as expected. Go back and try again."),
    ),
    403: Words(
        "not_allowed",
        _("This is not allowed"),
        _("You may not see or do this here. Who runs this site can allow it."),
    ),
    404: Words(
        "not_found",
        _("There is nothing here"),
        _("The page does not exist, or it belongs to somebody else’s browser."),
    ),
    413: Words(
        "body_too_large",
        _("This is too large"),
        _("The site takes no request of this size. Go back and send less."),
    ),
    429: Words(
        "too_many_requests",
        _("That was too much at once"),
        _("Wait a moment and try again."),
    ),
    500: Words(
        "internal_error",
        _("Something went wrong on our side"),
        _("It has been noted. Please try again in a moment."),
    ),
    503: Words(
        "storage_unavailable",
        _("The site can’t get at its data just now"),
        _("What you wrote is kept. Please try again in a moment."),
    ),
}
PASSING = (429, 500, 503)  # what the same address may answer in a moment


def answer(request: HttpRequest, status: int, refused: Refused | None = None) -> HttpResponse:
    """Give the page of an error, or its JSON; `refused` says more of it, and how long to wait."""
    words = ERRORS.get(status, ERRORS[503])  # a full disk has a status of its own, and the same advice
    with translation.override(language_of(request)):
        refused = refused or Refused(words.code, str(words.advice))
        if _is_script(request):
            response: HttpResponse = JsonResponse({"error": error_of(refused)}, status=status)
        else:
            in_frame = request.path == reverse("chat:embed")
            is_repeatable = request.method in ("GET", "HEAD") and status in PASSING
            context = {
                "code": status,
                "heading": words.heading,
                "advice": refused.text,
                "again": request.get_full_path() if in_frame or is_repeatable else "",
                "in_frame": in_frame,
            }
            response = render(request, "error.html", context, status=status)
            if in_frame:
                embedding.allow_frames(response, embedding.known_origins())
    tell_wait(response, refused)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404)


def internal(request: HttpRequest) -> HttpResponse:
    return answer(request, 500)


def before_django(request: HttpRequest, status: int, refused: Refused) -> HttpResponse:
    """Refuse a request that Django is not to read, with the headers that all answers have."""
    response = answer(request, status, refused)
    for middleware in (XFrameOptionsMiddleware, PagePolicyMiddleware, CSPMiddleware, SecurityMiddleware):
        middleware(lambda _request: response)(request)  # each adds to the very response
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form or a script's call that does not come from one of the site's own pages."""
    if _is_script(request):
        text = translation.gettext("This page is out of date. Reload it and try again; your text stays here.")
    else:
        text = translation.gettext(
            "The page may have been open for too long. Go back, reload it and try again."
        )
    return answer(request, 403, Refused("csrf_failed", text))


def _is_script(request: HttpRequest) -> bool:
    """Tell who asks: a browser that shows a page accepts HTML by name, scripts that send something need not say."""
    accepted = request.headers.get("Accept", "")
    sends = request.method not in ("GET", "HEAD")
    return "text/html" not in accepted and ("application/json" in accepted or sends)
