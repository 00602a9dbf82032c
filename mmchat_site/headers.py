"""Headers that no package sets."""

from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb")
)


class PermissionsPolicyMiddleware(MiddlewareMixin):
    """Deny pages the devices that they don't use; a picture comes through the browser's own file dialog."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Permissions-Policy", POLICY)
        return response
