"""The API itself: who may call it, how errors look, and its pages."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import DocsBase
from ninja.security import HttpBearer

from chat.database import UNAVAILABLE
from chat.refusals import Refused
from feedback.api.schemas import Problem
from feedback.models import ApiToken, Scope
from feedback.tokens import find
from mmchat_site import __version__

log = logging.getLogger(__name__)

STATUSES = {
    "token_missing": 401,  # nosec B105
    "scope_missing": 403,
    "not_found": 404,
    "body_too_large": 413,
    "too_many_requests": 429,
    "exports_busy": 429,
    "storage_unavailable": 503,
}
PROBLEMS: dict[Any, Any] = dict.fromkeys((400, 401, 403, 429, 503), Problem)
PROBLEMS_OF_ONE: dict[Any, Any] = {**PROBLEMS, 404: Problem}


class Bearer(HttpBearer):
    """A token of the admin in `Authorization: Bearer …`."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        return find(token)


def readable(part: Any) -> Any:
    """Give a part of a schema under names that a template can ask for, references by their last word."""
    if isinstance(part, list):
        return [readable(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return {"ref": part["$ref"].rpartition("/")[2]}
    renamed = {
        "items_of" if name == "items" and "type" in part else name: each for name, each in part.items()
    }
    return {name: readable(each) for name, each in renamed.items()}


def shape(part: Any) -> Any:
    """Give the schema of a body or an answer, None where it has none."""
    return next((kind.get("schema") for kind in part.get("content", {}).values()), None)


class Pages(DocsBase):
    """A page that is made here: one of a library would bring megabytes of scripts along."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        schema = readable(api.get_openapi_schema())
        operations = [
            {
                **operation,
                "method": method.upper(),
                "path": path,
                "body": shape(operation.get("requestBody", {})),
                "answers": [
                    (status, shape(answer), answer["description"])
                    for status, answer in operation["responses"].items()
                ],
            }
            for path, methods in schema["paths"].items()
            for method, operation in methods.items()
        ]
        shapes = [
            (name, each.get("description", ""), list(each["properties"].items()))
            for name, each in schema["components"]["schemas"].items()
        ]
        context = {"info": schema["info"], "operations": operations, "shapes": shapes}
        return render(request, "feedback/api.html", context)


api = NinjaAPI(
    title="mmchat",
    version=__version__,
    urls_namespace="api",
    description="Read what visitors say, and export it. Tokens are made in the administration.",
    docs=Pages(),
    auth=Bearer(),
)


def need(request: HttpRequest, scope: Scope) -> ApiToken:
    """Give the token of a request. Raises `Refused` where it lacks a scope, or its maker may no longer give it."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # set by ninja
    if not token.may(scope):
        raise Refused("scope_missing", _("This token does not allow that."), "scope", scope)
    return token


def _problem(request: HttpRequest, refused: Refused) -> HttpResponse:
    error = {"code": refused.code, "text": refused.text, "field": refused.field, "limit": refused.limit}
    return api.create_response(request, {"error": error}, status=STATUSES.get(refused.code, 400))


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    response = _problem(request, error)
    if error.seconds is not None:
        response["Retry-After"] = str(error.seconds)
    return response


@api.exception_handler(AuthenticationError)
def no_token(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    words = _("This needs a token of the administration, as “Authorization: Bearer …”.")
    response = _problem(request, Refused("token_missing", words))
    response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return _problem(request, Refused("not_found", _("This does not exist.")))


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    place = error.errors[0]["loc"] if error.errors else ()
    names = [part for part in place if isinstance(part, str)]
    words = _("A field is missing or of the wrong type.")
    return _problem(request, Refused("field_invalid", words, names[-1] if names else None))


@api.exception_handler(HttpError)
def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _problem(request, Refused("body_unreadable", _("The request is not readable JSON.")))


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return _problem(request, Refused("body_too_large", _("The request is too large."), limit=most))


@csrf_exempt
def nothing_here(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer as the API does where it has no such address."""
    return not_found(request, Http404())


def unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("%s could not be answered: %s", request.path, error)
    words = _("The site can't answer this just now. Please try again in a moment.")
    return _problem(request, Refused("storage_unavailable", words))


for kind in UNAVAILABLE:
    api.add_exception_handler(kind, unavailable)  # type: ignore[arg-type]  # the stubs ask for the very class
