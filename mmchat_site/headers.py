"""Headers that no package sets, and none where they mean nothing."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb")
)


class PagePolicyMiddleware(MiddlewareMixin):
    """Deny pages the devices that they don't use; a picture comes through the browser's own file dialog.

    Answers to scripts are no documents, which `nosniff` makes sure of: the policies of pages would only make each
    of them 400 bytes longer.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.get("Content-Type", "").startswith("application/json"):
            response._csp_exempt = True  # type: ignore[attr-defined]  # what django-csp's own decorator sets
        else:
            response.headers.setdefault("Permissions-Policy", POLICY)
        return response
