"""Pictures over HTTP: sent by a visitor, and shown to that visitor and to staff only."""

import logging
import uuid
from pathlib import PurePath

import msgspec
from django.core.exceptions import SuspiciousOperation
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from chat.consent import check_consent
from chat.database import UNAVAILABLE
from chat.images.blocks import is_blocked
from chat.images.errors import ImageRefused, error_of
from chat.images.receiving import FIELD, FORM_BYTES, OnePicture
from chat.images.store import image_info, max_bytes, store_upload, too_large
from chat.models import Example, Upload, Visitor
from chat.refusals import Refused
from chat.visitors import ensure_visitor, request_address, visitor_key

logger = logging.getLogger(__name__)

_YEAR = 365 * 24 * 3600
_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
}


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
        return JsonResponse({"error": error_of(refused)}, status=403)
    except (MultiPartParserError, SuspiciousOperation):
        bad_form = Refused("bad_form", _("This upload is not a form that can be read."), FIELD)
        return JsonResponse({"error": error_of(bad_form)}, status=400)


@csrf_protect
def _store(request: HttpRequest, handler: OnePicture) -> HttpResponse:
    key = visitor_key(request)
    if key is None:
        raise Refused("no_visitor", _("Reload the page."))
    file = request.FILES.get(FIELD)
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
    return JsonResponse(msgspec.to_builtins(image_info(stored)), status=201)


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
def example_picture(request: HttpRequest, example: int) -> HttpResponse:
    """Serve the picture that an administrator put on an example card to everyone."""
    name = get_object_or_404(Example.objects.exclude(picture=""), pk=example, enabled=True).picture.name or ""
    content_type = _TYPES.get(PurePath(name).suffix.lower())
    if content_type is None:
        raise Http404
    response = HttpResponse(_read(name), content_type)
    response["Cache-Control"] = "public, max-age=300"
    return response


def _declared_length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdigit() else 0


def _visible(request: HttpRequest, upload: uuid.UUID) -> Upload:
    """Find a picture that this request may see; somebody else's is as unknown as one that never was."""
    # Asked for every id, since it leaves a trace in the answer's headers, which would tell the two apart.
    sees_all = request.user.is_staff and request.user.has_perm("chat.view_image")
    found = Upload.objects.select_related("image").filter(pk=upload).first()
    if found is None:
        raise Http404
    is_owner = found.visitor_id == visitor_key(request) and not is_blocked(found.image)
    if not is_owner and not sees_all:
        raise Http404
    return found


def _served(request: HttpRequest, found: Upload, file: str, ending: str, content_type: str) -> HttpResponse:
    image = found.image
    etag = f'"{image.md5}-{image.width}x{image.height}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(_read(file), content_type)
    response["ETag"] = etag
    response["Cache-Control"] = f"private, max-age={_YEAR}, immutable"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    name = PurePath(found.name).stem or "image"
    response["Content-Disposition"] = content_disposition_header(False, name + ending) or "inline"
    patch_vary_headers(response, ["Cookie"])
    return response


def _read(name: str) -> bytes:
    if not name:
        raise Http404
    try:
        with default_storage.open(name) as file:
            return file.read()
    except OSError as error:
        logger.error("A picture's file can't be read: %s", error)
        raise Http404 from None
