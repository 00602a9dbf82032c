"""Pictures over HTTP: sent by a visitor, and shown to that visitor and to staff only."""

import logging
import uuid
from pathlib import PurePath

import msgspec
from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from chat.consent import check_consent
from chat.database import UNAVAILABLE
from chat.images import describing
from chat.images.as_sent import FORMS
from chat.images.blocks import is_blocked
from chat.images.errors import ImageRefused, error_of
from chat.images.preprocess import sent_file
from chat.images.receiving import FIELD, FORM_BYTES, OnePicture
from chat.images.signed import seconds_left, signed_image
from chat.images.store import image_info, max_bytes, store_upload, too_large
from chat.limits.counting import count
from chat.models import Image, Upload, Visitor
from chat.models.limits import Counted
from chat.refusals import Refused
from chat.views.answers import STATUSES, own_key, read_body, refusals_as_json, tell_wait
from chat.views.errors import answer
from chat.visitors import HEADER, ensure_visitor, has_token, request_address, visitor_key

logger = logging.getLogger(__name__)

_YEAR = 365 * 24 * 3600


class DescriptionBody(msgspec.Struct):
    description: str


@csrf_exempt  # `_store` has the check, which reads the form, and with it the file, which needs a limit
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Take one picture, the multipart field `image`: 201 with its `ImageInfo`, or why it is refused."""
    try:
        if _declared_length(request) > max_bytes() + FORM_BYTES:
            raise too_large()
        handler = OnePicture(request, max_bytes())
        request.upload_handlers = [handler]
        return _store(request, handler)
    except ImageRefused as refused:
        return JsonResponse({"error": error_of(refused)}, status=refused.status)
    except UNAVAILABLE as error:
        logger.error("An upload could not be recorded: %s", error)
        unavailable = ImageRefused("storage_unavailable")
        return JsonResponse({"error": error_of(unavailable)}, status=unavailable.status)
    except Refused as refused:
        response = JsonResponse({"error": error_of(refused)}, status=STATUSES.get(refused.code, 403))
        tell_wait(response, refused)
        return response
    except (MultiPartParserError, SuspiciousOperation):
        bad_form = Refused("bad_form", _("This upload is not a form that can be read."), FIELD)
        return JsonResponse({"error": error_of(bad_form)}, status=400)


@csrf_protect
def _store(request: HttpRequest, handler: OnePicture) -> HttpResponse:
    # Before anything is said of it: what is refused has been sent and read all the same.
    file = request.FILES.get(FIELD)
    count(request, Counted.IMAGES)
    count(
        request, Counted.MEGABYTES, cost=max_bytes() if handler.too_large else getattr(file, "size", 0) or 0
    )
    key = visitor_key(request)
    if key is None:
        raise Refused("no_visitor", _("Reload the page."))
    if handler.too_large:
        raise too_large()
    if file is None:
        raise ImageRefused("image_missing")
    # Before a row is made: nothing is stored of who has not accepted the terms.
    check_consent(Visitor.objects.filter(pk=key).first() or Visitor())
    visitor = ensure_visitor(key, request_address(request))
    if visitor.is_blocked:
        raise Refused("visitor_blocked", _("This browser has been blocked from sending messages."))
    stored = store_upload(visitor, file.name or "", file.read())
    info = signed_image(image_info(stored)) if has_token(request) else image_info(stored)
    return JsonResponse(msgspec.to_builtins(info), status=201)


@require_POST
@refusals_as_json
def describe(request: HttpRequest, upload: uuid.UUID) -> JsonResponse:
    """Store what a visitor says that an own picture shows: {"description"}, answered as it is stored."""
    key = own_key(request)
    count(request, Counted.DESCRIPTIONS)
    text = describing.describe(key, upload, read_body(request, DescriptionBody).description)
    return JsonResponse({"description": text})


@require_safe
def picture(request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
    """Serve a picture, as it was stored, to its visitor and to staff."""
    found = _visible(request, upload)
    return _served(request, found, found.image.file.name or "", ".png", "image/png")


@require_safe
def thumbnail(request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
    """Serve the small copy of a picture to its visitor and to staff."""
    found = _visible(request, upload)
    return _served(request, found, found.image.thumbnail.name or "", ".webp", "image/webp")


@require_safe
def sent_image(request: HttpRequest, upload: uuid.UUID, form: str) -> HttpResponse:
    """Serve a picture in the form in which workers are sent it, to its visitor and to staff: pad, resize or jpeg."""
    if form not in FORMS:
        raise Http404
    found = _visible(request, upload)
    try:
        count(request, Counted.SENT_IMAGES, visitor=found.visitor_id)
    except Refused as refused:
        return answer(request, 429, refused)
    try:
        file = sent_file(found.image, FORMS[form])
    except OSError as error:
        logger.error("A picture's file can't be read: %s", error)
        raise Http404 from None
    kind = "jpeg" if form == "jpeg" else "png"
    response = HttpResponse(file, f"image/{kind}")
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return _private(request, found, response, f".{kind}")


def _declared_length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdigit() else 0


def _visible(request: HttpRequest, upload: uuid.UUID) -> Upload:
    """Find a picture that this request may see; somebody else's is as unknown as one that never was."""
    # Asked for every id, since it leaves a trace in the answer's headers, which would tell the two apart.
    sees_all = admin.site.has_permission(request) and request.user.has_perm("chat.view_image")
    found = Upload.objects.select_related("image", "visitor").filter(pk=upload).first()
    if found is None:
        raise Http404
    signed = seconds_left(upload, request.GET) > 0 and not found.visitor.deleted
    is_owner = (found.visitor_id == visitor_key(request) or signed) and not is_blocked(found.image)
    if not is_owner and not sees_all:
        raise Http404
    return found


def _served(request: HttpRequest, found: Upload, file: str, ending: str, content_type: str) -> HttpResponse:
    return _private(request, found, picture_response(request, found.image, file, content_type), ending)


def _private(request: HttpRequest, found: Upload, response: HttpResponse, ending: str) -> HttpResponse:
    kept = seconds_left(found.pk, request.GET) or _YEAR
    response["Cache-Control"] = f"private, max-age={kept}, immutable"
    name = PurePath(found.name).stem or "image"
    response["Content-Disposition"] = content_disposition_header(False, name + ending) or "inline"
    patch_vary_headers(response, ["Cookie", HEADER])
    return response


def picture_response(request: HttpRequest, image: Image, file: str, content_type: str) -> HttpResponse:
    """Answer with a file of a picture, or that the browser has it; whoever calls has seen that it may be shown."""
    etag = f'"{image.md5}-{image.width}x{image.height}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(read_file(file), content_type)
    response["ETag"] = etag
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def read_file(name: str) -> bytes:
    """Give a stored file, or answer that there is nothing."""
    if not name:
        raise Http404
    try:
        with default_storage.open(name) as file:
            return file.read()
    except OSError as error:
        logger.error("A picture's file can't be read: %s", error)
        raise Http404 from None
