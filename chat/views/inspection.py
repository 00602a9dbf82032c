"""What a model saw: for its own visitor, and for staff."""

import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat import inspection
from chat.limits.counting import count
from chat.models.limits import Counted
from chat.refusals import Refused
from chat.views.answers import own_key, refusals_as_json
from chat.visitors import has_token


@require_safe
@never_cache
@refusals_as_json
def own_reply(request: HttpRequest, reply: uuid.UUID) -> HttpResponse:
    """Tell what the model was sent for one of the visitor's own replies."""
    key = own_key(request)
    count(request, Counted.INSPECTIONS)
    found = inspection.own_reply(key, reply)
    if found is None:
        raise Refused("not_found", _("This reply does not exist."), "reply")
    return JsonResponse(inspection.inspect(found, inspection.Viewer(needs_signature=has_token(request))))
