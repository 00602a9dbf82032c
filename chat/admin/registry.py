import datetime
import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.admin.access import AuditedAdmin, ReadOnlyInline
from chat.admin.labels import LabelledListAdmin
from chat.admin.links import excerpt
from chat.models import Backend, ChatModel, Placement, Worker


class PlacementInline(ReadOnlyInline):
    model = Placement
    fields = ["backend", "listed", "last_listed"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placement]:
        return super().get_queryset(request).select_related("backend", "model")


class ServedModelInline(PlacementInline):
    fields = ["model", "listed", "last_listed"]


@admin.register(ChatModel)
class ChatModelAdmin(LabelledListAdmin, AuditedAdmin):
    list_display = ["name", "position", "enabled", "served_by", "title", "protocol", "template", "created"]
    list_editable = ["title", "position", "enabled"]
    list_filter = ["enabled", "placements__listed", "backends", "protocol"]
    search_fields = ["name", "title", "description"]
    date_hierarchy = "created"
    inlines = [PlacementInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatModel]:
        return super().get_queryset(request).prefetch_related("placements__backend")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # The name is what the backend calls the model; another name is another model.
        return ["name"] if obj else []

    @admin.display(description=_("listed now by"))
    def served_by(self, model: ChatModel) -> str:
        listing = [placement.backend.name for placement in model.placements.all() if placement.listed]
        return ", ".join(sorted(listing)) or "–"


class BackendForm(forms.ModelForm):
    class Meta:
        model = Backend
        fields = ["name", "kind", "url", "key_variable", "enabled"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("kind") == Backend.Kind.BUILT_IN:
            return cleaned
        try:
            parts = urlsplit(cleaned.get("url", ""))
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            self.add_error("url", _("Give the address as http:// or https:// and a host."))
        return cleaned

    def clean_key_variable(self) -> str:
        name = self.cleaned_data["key_variable"]
        if name and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise forms.ValidationError(_("This is the name of an environment variable, not the key itself."))
        return name


@admin.register(Backend)
class BackendAdmin(AuditedAdmin):
    form = BackendForm
    list_display = ["name", "kind", "url", "enabled", "last_reached", "last_checked", "short_error"]
    list_filter = ["kind", "enabled"]
    search_fields = ["name", "url"]
    readonly_fields = ["last_checked", "last_reached", "failing_since", "last_error"]
    fields = ["name", "kind", "url", "key_variable", "enabled", *readonly_fields]
    inlines = [ServedModelInline]

    @admin.display(description=_("last error"), empty_value="–")
    def short_error(self, backend: Backend) -> str | None:
        return excerpt(backend.last_error) or None


@admin.register(Worker)
class WorkerAdmin(AuditedAdmin):
    """Workers register themselves; staff may only remove one."""

    list_display = [
        "address", "names", "speed", "queue_length", "multimodal", "is_fresh", "last_heartbeat", "silence",
        "registered",
    ]  # fmt: skip
    list_filter = ["multimodal", "checks_heartbeat", "last_heartbeat"]
    search_fields = ["address"]
    date_hierarchy = "registered"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        fresh = Worker.objects.fresh().filter(pk=OuterRef("pk"))
        return super().get_queryset(request).annotate(fresh_now=Exists(fresh))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("models"))
    def names(self, worker: Worker) -> str:
        return ", ".join(map(str, worker.model_names))

    @admin.display(description=_("fresh"), boolean=True)
    def is_fresh(self, worker: Worker) -> bool:
        return getattr(worker, "fresh_now", False)

    @admin.display(description=_("silent for"))
    def silence(self, worker: Worker) -> str:
        return str(datetime.timedelta(seconds=int((timezone.now() - worker.last_heartbeat).total_seconds())))
