"""The switch between languages."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from chat.translations import ASKED, offered


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Keep the choice in a cookie, and go back to the page that it was made on; an unknown one changes nothing."""
    response = HttpResponseRedirect(_back(request))
    if language := offered(request.POST.get("language", "")):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite="Lax",
        )
    return response


def _back(request: HttpRequest) -> str:
    # The browser's own word: the page changes its address as a conversation begins.
    page = request.META.get("HTTP_REFERER", "")
    if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
        return reverse("chat:new")
    parts = urlsplit(page)
    rest = [(name, value) for name, value in parse_qsl(parts.query) if name != ASKED]
    return f"{parts.path}?{urlencode(rest)}" if rest else parts.path
