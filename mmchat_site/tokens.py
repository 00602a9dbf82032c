"""Requests from frames of other sites, which come with a visitor's token instead of cookies."""

from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

from chat.visitors import has_token


class VisitorTokenMiddleware(MiddlewareMixin):
    """Let a request with a token be its visitor's and nobody else's: no cookie counts, of staff neither.

    The check against forged requests is left out. It asks for a cookie, because browsers send cookies along with
    what a foreign page makes them send; a header of our own they send for our own pages only.

    A cookie with a NUL, which a quoted one can hold, is none of ours, and PostgreSQL would not look for it.
    """

    def process_request(self, request: HttpRequest) -> None:
        if has_token(request):
            request.COOKIES = {}
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # what Django's own check looks at
        elif any("\0" in value for value in request.COOKIES.values()):
            request.COOKIES = {name: value for name, value in request.COOKIES.items() if "\0" not in value}
