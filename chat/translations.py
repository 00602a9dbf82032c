"""Which language a visitor reads: the one that an address asks for, then the cookie's, then the browser's wish."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

ASKED = "lang"  # of an address' query


class LanguageMiddleware(LocaleMiddleware):
    """Let `?lang=` choose the language of one page, without a cookie; else do as Django does."""

    def process_request(self, request: HttpRequest) -> None:
        asked = offered(request.GET.get(ASKED, ""))
        if not asked:
            super().process_request(request)
            return
        translation.activate(asked)
        request.LANGUAGE_CODE = asked


def language_of(request: HttpRequest) -> str:
    """Choose a request's language by the rule above, also where the middleware has not come to it."""
    return offered(request.GET.get(ASKED, "")) or translation.get_language_from_request(request)


def offered(wish: str) -> str | None:
    """Give the site's language for a wish such as “zh-CN”; None where it has none."""
    try:
        return translation.get_supported_language_variant(wish)
    except LookupError:
        return None


def language_of_scope(scope: dict[str, Any]) -> str:
    """Choose a socket's language by the rule of the pages."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    if asked := offered(query.get(ASKED, [""])[0]):
        return asked
    wishes = [
        value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"accept-language"
    ]
    as_request = SimpleNamespace(
        COOKIES=scope.get("cookies", {}), META={"HTTP_ACCEPT_LANGUAGE": ",".join(wishes)}
    )
    return translation.get_language_from_request(as_request)  # type: ignore[arg-type]  # it reads those two
