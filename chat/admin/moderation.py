from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat.admin.access import ReadOnlyAdmin
from chat.admin.links import EXCERPT, conversation_link, excerpt
from chat.models import ModerationEvent


@admin.register(ModerationEvent)
class ModerationEventAdmin(ReadOnlyAdmin):
    list_display = [
        "created", "outcome", "stage", "dry_run", "flagged_categories", "text", "check_name", "detail", "state",
        "reviewer",
    ]  # fmt: skip
    list_filter = ["outcome", "state", "stage", "dry_run", "created"]
    search_fields = ["message__text", "=message__conversation__id"]
    date_hierarchy = "created"
    fields = [
        "conversation", "created", "check_name", "stage", "outcome", "dry_run", "categories", "scores", "seconds",
        "detail", "state", "reviewer", "reviewed", "note",
    ]  # fmt: skip
    readonly_fields = ["conversation"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModerationEvent]:
        return (
            super()
            .get_queryset(request)
            .select_related("message__conversation", "reviewer")
            .defer("message__text")
            .annotate(beginning=Left("message__text", EXCERPT))
        )

    @admin.display(description=_("categories"))
    def flagged_categories(self, event: ModerationEvent) -> str:
        return ", ".join(map(str, event.categories)) or "–"

    @admin.display(description=_("message"))
    def text(self, event: ModerationEvent) -> SafeString:
        label = excerpt(getattr(event, "beginning", ""))
        return conversation_link(event.message.conversation_id, label, event.message_id)

    @admin.display(description=_("conversation"))
    def conversation(self, event: ModerationEvent) -> SafeString:
        conversation = event.message.conversation
        return conversation_link(conversation.pk, str(conversation), event.message_id)
