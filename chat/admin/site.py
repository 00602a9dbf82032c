from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from chat.admin.access import ReadOnlyAdmin
from chat.admin.labels import LabelledListAdmin
from chat.models import Chore, CircuitBreaker, ParameterRange, ServerProcess


@admin.register(ParameterRange)
class ParameterRangeAdmin(LabelledListAdmin):
    """The rows are fixed: which parameters there are is the site's code."""

    list_display = ["name", "minimum", "maximum", "step", "default"]
    list_editable = ["minimum", "maximum", "step", "default"]
    readonly_fields = ["name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ServerProcess)
class ServerProcessAdmin(ReadOnlyAdmin):
    list_display = ["host", "pid", "heartbeat", "started"]
    date_hierarchy = "started"


@admin.register(Chore)
class ChoreAdmin(ReadOnlyAdmin):
    list_display = ["name", "due", "started", "ended", "result"]


@admin.register(CircuitBreaker)
class CircuitBreakerAdmin(ReadOnlyAdmin):
    """Workers that fail, as each process sees them; a worker without a row is well."""

    list_display = ["address", "state", "failures", "error_code", "process", "changed"]
    list_filter = ["state", "error_code"]
    search_fields = ["address"]
    list_select_related = ["process"]
