"""What the page's calls over HTTP have in common: JSON in, JSON out, and refusals by name."""

import logging
import re
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from chat.database import UNAVAILABLE
from chat.refusals import Refused
from chat.visitors import visitor_key

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 32 * 1024
STATUSES = {
    "no_visitor": 403,
    "visitor_blocked": 403,
    "visitor_deleted": 403,
    "sharing_ended": 403,
    "not_found": 404,
    "reply_running": 409,
    "terms_changed": 409,
    "body_too_large": 413,
    "too_many_requests": 429,
    "storage_unavailable": 503,
}

Body = TypeVar("Body", bound=msgspec.Struct)
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def refusals_as_json(view: View[P]) -> View[P]:
    """Turn `Refused` into the JSON that the page shows."""

    @wraps(view)
    def answered(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Refused as refused:
            return _refusal(refused)
        except UNAVAILABLE as error:
            logger.error("%s could not be stored: %s", request.path, error)
            text = _("The site could not store this just now. Please try again in a moment.")
            return _refusal(Refused("storage_unavailable", text))

    return answered


def status_of(refused: Refused) -> int:
    return STATUSES.get(refused.code, 400)


def tell_wait(response: HttpResponse, refused: Refused) -> None:
    """Tell programs, too, when the same would be taken."""
    if refused.seconds is not None:
        response["Retry-After"] = str(refused.seconds)


def own_key(request: HttpRequest) -> uuid.UUID:
    """Give the key of the visitor who asks. Raises `Refused`."""
    key = visitor_key(request)
    if key is None:
        raise Refused("no_visitor", _("Reload the page."))
    return key


def read_body(request: HttpRequest, kind: type[Body]) -> Body:
    """Read the JSON of a request as a `kind`. Raises `Refused`."""
    try:
        return msgspec.json.decode(_bytes(request), type=kind)
    except msgspec.ValidationError as error:
        raise Refused("field_invalid", _("A field is missing or of the wrong type."), _field(error)) from None
    # msgspec reports a lone surrogate or bad UTF-8 inside a string as a UnicodeDecodeError.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("body_unreadable", _("The request is not readable JSON.")) from None


def _refusal(refused: Refused) -> JsonResponse:
    error = {"code": refused.code, "text": refused.text, "field": refused.field, "limit": refused.limit}
    response = JsonResponse({"error": error}, status=status_of(refused))
    tell_wait(response, refused)
    return response


def _bytes(request: HttpRequest) -> bytes:
    too_large = Refused("body_too_large", _("The request is too large."), limit=MAX_BODY_BYTES)
    try:
        body = request.body
    except RequestDataTooBig:
        raise too_large from None
    if len(body) > MAX_BODY_BYTES:
        raise too_large
    return body


def _field(error: msgspec.ValidationError) -> str | None:
    """Give the field that an error of msgspec speaks of, which it says only in words."""
    found = re.search(r"at `\$\.(\w+)|required field `(\w+)`", str(error))
    return found.group(1) or found.group(2) if found else None
