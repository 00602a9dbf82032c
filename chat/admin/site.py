from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from chat.admin.access import AuditedAdmin, ReadOnlyAdmin
from chat.admin.labels import LabelledListAdmin
from chat.models import Chore, CircuitBreaker, Example, ParameterRange, ServerProcess, SiteText, Terms


@admin.register(SiteText)
class SiteTextAdmin(admin.ModelAdmin):
    """One row: its list leads straight to it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not SiteText.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = SiteText.objects.first()
        if row is None or not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(reverse("admin:chat_sitetext_change", args=[row.pk]))


@admin.register(Terms)
class TermsAdmin(admin.ModelAdmin):
    """Versions that visitors were asked to accept stay as they are."""

    list_display = ["version", "created", "must_be_accepted"]
    readonly_fields = ["created"]

    def has_change_permission(self, request: HttpRequest, obj: Terms | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.must_be_accepted)

    def has_delete_permission(self, request: HttpRequest, obj: Terms | None = None) -> bool:
        return False


@admin.register(Example)
class ExampleAdmin(LabelledListAdmin, AuditedAdmin):
    list_display = ["question", "picture_description", "position", "enabled"]
    list_editable = ["position", "enabled"]
    list_filter = ["enabled"]
    search_fields = ["question", "picture_description"]
    readonly_fields = ["shipped_picture"]


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
