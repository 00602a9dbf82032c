from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat.admin.access import ReadOnlyAdmin
from chat.admin.labels import LabelledListAdmin
from chat.admin.links import conversation_link
from feedback.admin.replies import AboutReplyAdmin
from feedback.models import Preference, Vote, VoteChange, VoteReason, VoteReasonLabel


@admin.register(Vote)
class VoteAdmin(AboutReplyAdmin):
    list_display = [
        "value",
        "created",
        "reply",
        "model_name",
        "tags",
        "short_comment",
        "visitor",
        "changed",
    ]
    list_filter = ["value", "message__model", "created"]
    search_fields = ["comment", "=message__id", "=message__conversation__id", "=visitor__key"]
    fields = ["reply", "value", "tags", "comment", "marked", "visitor", "created", "changed"]
    readonly_fields = ["reply", "tags", "marked"]


@admin.register(VoteChange)
class VoteChangeAdmin(AboutReplyAdmin):
    list_display = ["value", "created", "voted", "reply", "model_name", "short_comment", "visitor"]
    list_filter = ["value", "created"]
    search_fields = ["comment", "=message__id", "=message__conversation__id", "=visitor__key"]
    fields = ["reply", "value", "tags", "comment", "marked", "visitor", "voted", "created"]
    readonly_fields = ["reply", "tags", "marked"]


@admin.register(Preference)
class PreferenceAdmin(ReadOnlyAdmin):
    list_display = [
        "__str__",
        "created",
        "better",
        "model_name",
        "other",
        "other_model",
        "visitor",
        "withdrawn",
    ]
    list_filter = ["created", ("withdrawn", admin.EmptyFieldListFilter)]
    list_select_related = ["visitor", "chosen__model", "rejected__model"]
    search_fields = ["=chosen__id", "=rejected__id", "=question__conversation__id", "=visitor__key"]
    date_hierarchy = "created"
    ordering = ["-created"]
    fields = ["better", "other", "visitor", "created", "withdrawn"]
    readonly_fields = ["better", "other"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("chosen__text", "rejected__text")

    @admin.display(description=_("better variant"))
    def better(self, row: Preference) -> SafeString:
        return conversation_link(row.chosen.conversation_id, str(row.chosen_id)[:8], row.chosen_id)

    @admin.display(description=_("other variant"))
    def other(self, row: Preference) -> SafeString:
        return conversation_link(row.rejected.conversation_id, str(row.rejected_id)[:8], row.rejected_id)

    @admin.display(description=_("its model"))
    def model_name(self, row: Preference) -> str:
        return str(row.chosen.model or "–")

    @admin.display(description=_("its model"))
    def other_model(self, row: Preference) -> str:
        return str(row.rejected.model or "–")


class VoteReasonLabelInline(admin.TabularInline):
    model = VoteReasonLabel
    extra = 0


@admin.register(VoteReason)
class VoteReasonAdmin(LabelledListAdmin):
    """Reasons are switched off rather than deleted: votes that name them stay readable."""

    list_display = ["key", "label", "applies_to", "position", "enabled"]
    list_editable = ["label", "applies_to", "position", "enabled"]
    list_filter = ["applies_to", "enabled"]
    search_fields = ["key", "label"]
    inlines = [VoteReasonLabelInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["key"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
