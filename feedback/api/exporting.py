"""Ask for exports, see how far they are, and fetch them."""

import uuid
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Query, Schema, Status
from pydantic import Field

from chat.refusals import Refused
from feedback import exports
from feedback.api import schemas
from feedback.api.cursors import page
from feedback.api.site import PROBLEMS, PROBLEMS_OF_ONE, api, need
from feedback.downloads import Download
from feedback.exchange.formats import FORMATS
from feedback.models import ApiToken, Export, Scope


class Part(Schema):
    cursor: str | None = None
    limit: int = Field(schemas.USUAL_ITEMS, ge=1, le=schemas.MOST_ITEMS)


@api.post(
    "/exports", response={202: schemas.Export, **PROBLEMS, 413: schemas.Problem}, summary="Ask for an export"
)
def ask(request: HttpRequest, wanted: schemas.ExportRequest) -> Status:
    """It is made in the background: ask for it again until its state is `complete`."""
    token = need(request, Scope.EXPORT)
    if wanted.addresses:
        need(request, Scope.ADDRESSES)
    if wanted.format not in FORMATS:
        raise Refused("filter_invalid", _("Unknown format."), "format", ", ".join(FORMATS))
    choice = wanted.dict(exclude={"format"})
    row = Export(format=wanted.format, choice=choice, requester=token.creator)
    exports.ask_for(row, f"API, token {token.pk}")
    return Status(202, _export(row))


@api.get("/exports", response={200: schemas.Exports, **PROBLEMS}, summary="Exports, oldest first")
def listed(request: HttpRequest, wanted: Query[Part]) -> dict[str, Any]:
    """Those that whoever made the token has asked for, here or in the administration."""
    found, after = page(_own(need(request, Scope.EXPORT)), wanted.cursor, wanted.limit)
    return {"items": [_export(row) for row in found], "next": after}


@api.get(
    "/exports/{export}",
    response={200: schemas.Export, **PROBLEMS_OF_ONE},
    summary="How far an export is",
)
def one(request: HttpRequest, export: uuid.UUID) -> dict[str, Any]:
    return _export(get_object_or_404(_own(need(request, Scope.EXPORT)), pk=export))


@api.get(
    "/exports/{export}/file",
    response=PROBLEMS_OF_ONE,
    summary="The file of a complete export",
    openapi_extra={
        "responses": {200: {"content": {"application/octet-stream": {}}, "description": "The file"}}
    },
)
def file(request: HttpRequest, export: uuid.UUID) -> Any:
    token = need(request, Scope.EXPORT)
    row = get_object_or_404(_own(token), pk=export)
    if row.has_addresses:
        need(request, Scope.ADDRESSES)
    try:
        opened = default_storage.open(str(row.file.name)) if row.file else None
    except FileNotFoundError:
        opened = None
    if opened is None:
        raise Http404
    exports.taken(row, token.creator_id)
    return Download(
        opened,
        filename=exports.file_name(row),
        content_type="application/octet-stream",
    )


@api.delete(
    "/exports/{export}", response={200: schemas.Export, **PROBLEMS_OF_ONE}, summary="Cancel an export"
)
def cancel(request: HttpRequest, export: uuid.UUID) -> dict[str, Any]:
    """One that has ended stays as it is."""
    token = need(request, Scope.EXPORT)
    row = get_object_or_404(_own(token), pk=export)
    exports.cancel(row, token.creator_id)
    row.refresh_from_db()
    return _export(row)


def _own(token: ApiToken) -> QuerySet[Export]:
    return Export.objects.filter(requester=token.creator)


def _export(row: Export) -> dict[str, Any]:
    names = (
        "format", "choice", "state", "error", "error_code", "done", "total", "entries", "bytes", "created", "finished",
    )  # fmt: skip
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in names},
        "file": reverse("api:file", args=[row.pk]) if row.file else None,
    }
