"""What proxies and supervisors ask."""

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat import scraping
from chat.generation.engine import is_draining
from chat.visitors import comes_from


@require_safe
@never_cache
def alive(request: HttpRequest) -> JsonResponse:
    """Answer while the process lives."""
    return JsonResponse({"alive": True})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 while new visitors may be sent here, 503 while the process ends or its database is away."""
    if is_draining():
        return JsonResponse({"ready": False, "reason": "draining"}, status=503)
    try:
        connection.ensure_connection()
    except DatabaseFailure:
        return JsonResponse({"ready": False, "reason": "database"}, status=503)
    return JsonResponse({"ready": True})


@require_safe
@never_cache
async def metrics(request: HttpRequest) -> HttpResponse:
    """Tell Prometheus what this process and the others of its `serve` count; strangers find nothing here."""
    if not comes_from(request, settings.MMCHAT_METRICS_NETWORKS):
        raise Http404
    return HttpResponse(await scraping.all_processes(), content_type=scraping.CONTENT_TYPE)
