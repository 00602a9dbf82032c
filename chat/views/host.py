"""The host's announcements, pictures and colours, for everyone."""

import hashlib
from pathlib import PurePath

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat import colours
from chat.host import PICTURE_TYPES, host, stored
from chat.models import ExamplePicture
from chat.views.images import read_file

YEAR, HOUR, MINUTES = 365 * 24 * 3600, 3600, 300


@require_safe
@never_cache
def announcements(request: HttpRequest) -> JsonResponse:
    """Give what is announced now or within a day, for pages that are open already."""
    return JsonResponse({"announcements": host(stored()).announcements})


@require_safe
def logo(request: HttpRequest, name: str) -> HttpResponse:
    """Serve the logo; another one has another name."""
    file = stored().site_text.logo.name or ""
    if PurePath(file).name != name:
        raise Http404
    return _picture(file, f"public, max-age={YEAR}, immutable")


@require_safe
def example_picture(request: HttpRequest, picture: int) -> HttpResponse:
    """Serve a picture that an administrator put on an example card."""
    found = get_object_or_404(ExamplePicture.objects.exclude(file=""), pk=picture, example__enabled=True)
    return _picture(found.file.name or "", f"public, max-age={MINUTES}")


@require_safe
def stylesheet(request: HttpRequest, light: str, dark: str) -> HttpResponse:
    """Serve the rules for two colours that can be read, as six digits each; any others are not found."""
    light, dark = f"#{light}", f"#{dark}"
    if colours.problem_of(light, colours.LIGHT) or colours.problem_of(dark, colours.DARK):
        raise Http404
    rules = colours.stylesheet(light, dark)
    etag = f'"{hashlib.sha256(rules.encode()).hexdigest()[:16]}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(rules, "text/css; charset=utf-8")
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={HOUR}"
    return response


def _picture(file: str, cache_control: str) -> HttpResponse:
    content_type = PICTURE_TYPES.get(PurePath(file).suffix.lower())
    if content_type is None:
        raise Http404
    response = HttpResponse(read_file(file), content_type)
    response["Cache-Control"] = cache_control
    return response
