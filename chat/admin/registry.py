import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat import parameters
from chat.admin.access import AuditedAdmin, ReadOnlyInline
from chat.admin.labels import LabelledListAdmin
from chat.models import ChatModel, ParameterRange, Placement, Worker


class PlacementInline(ReadOnlyInline):
    model = Placement
    verbose_name_plural = _("Where it is served")
    fields = ["backend", "listed", "last_listed"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placement]:
        return super().get_queryset(request).select_related("backend", "model")


class ChatModelForm(forms.ModelForm):
    """A model whose limits leave visitors something to choose."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for name in (ParameterRange.Name.MAX_OUTPUT_TOKENS, ParameterRange.Name.MAX_INPUT_TILES):
            lowest, limit = max(1, parameters.ranges()[name]["minimum"]), data.get(name)
            if limit is not None and limit < lowest:
                text = _(
                    "At least %(lowest)s; lower is nothing, or below what Parameters let visitors choose."
                )
                self.add_error(name, text % {"lowest": lowest})
        return data


@admin.register(ChatModel)
class ChatModelAdmin(LabelledListAdmin):
    form = ChatModelForm
    list_display = ["name", "position", "enabled", "shown_in", "served_by", "title", "protocol"]
    list_editable = ["title", "position", "enabled"]
    list_filter = ["enabled", "shown_in", "placements__listed", "backends", "protocol"]
    fieldsets = [
        (None, {"fields": ["name", "title", "description", ("position", "enabled"), "shown_in"]}),
        (
            _("Limits"),
            {
                "fields": [
                    "max_images",
                    "max_characters",
                    "max_turns",
                    "max_output_tokens",
                    "max_input_tiles",
                ],
                "description": _("What is above one is refused with words that name it."),
            },
        ),
        (_("How it is asked"), {"fields": ["system_message", "template", "protocol", "repetition_penalty"]}),
    ]
    search_fields = ["name", "title", "description"]
    date_hierarchy = "created"
    inlines = [PlacementInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChatModel]:
        return super().get_queryset(request).prefetch_related("placements__backend")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # The name is what the backend calls the model; another name is another model.
        return ["name"] if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"position": ChatModel.objects.last_position(), **super().get_changeform_initial_data(request)}

    @admin.display(description=_("listed now by"))
    def served_by(self, model: ChatModel) -> str:
        listing = [placement.backend.name for placement in model.placements.all() if placement.listed]
        return ", ".join(sorted(listing)) or "–"


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
