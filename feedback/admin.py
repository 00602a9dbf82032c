from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.admin.access import ReadOnlyAdmin
from chat.admin.links import EXCERPT, conversation_link, excerpt
from chat.models import AuditEntry
from feedback.flags import decide
from feedback.models import Flag, FlagQuerySet, Vote, VoteChange


class AboutReplyAdmin(ReadOnlyAdmin):
    """Show what a visitor said about a reply, with the beginning of the reply."""

    ordering = ["-created"]
    date_hierarchy = "created"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return (
            super()
            .get_queryset(request)
            .select_related("visitor", "message__model", "message__conversation")
            .defer("message__text", "message__error_detail", "message__conversation__system_message")
            .annotate(reply_start=Left("message__text", EXCERPT))
        )

    @admin.display(description=_("reply"))
    def reply(self, row: Vote | VoteChange | Flag) -> SafeString:
        label = excerpt(getattr(row, "reply_start", "")) or str(row.message_id)[:8]
        return conversation_link(row.message.conversation_id, label, row.message_id)

    @admin.display(description=_("model"), ordering="message__model__name")
    def model_name(self, row: Vote | VoteChange | Flag) -> str:
        return str(row.message.model or "–")

    @admin.display(description=_("comment"))
    def short_comment(self, row: Vote | VoteChange | Flag) -> str:
        return excerpt(row.comment) or "–"


@admin.register(Vote)
class VoteAdmin(AboutReplyAdmin):
    list_display = [
        "value",
        "created",
        "reply",
        "model_name",
        "reasons",
        "short_comment",
        "visitor",
        "changed",
    ]
    list_filter = ["value", "message__model", "created"]
    search_fields = ["comment", "=message__id", "=message__conversation__id", "=visitor__key"]
    fields = ["reply", "value", "reasons", "comment", "visitor", "created", "changed"]
    readonly_fields = ["reply"]


@admin.register(VoteChange)
class VoteChangeAdmin(AboutReplyAdmin):
    list_display = ["value", "created", "voted", "reply", "model_name", "short_comment", "visitor"]
    list_filter = ["value", "created"]
    search_fields = ["comment", "=message__id", "=message__conversation__id", "=visitor__key"]
    fields = ["reply", "value", "reasons", "comment", "visitor", "voted", "created"]
    readonly_fields = ["reply"]


@admin.register(Flag)
class FlagAdmin(AboutReplyAdmin):
    """Flags: what the visitor said stays as it is; decisions are actions, and staff may write a note."""

    list_display = [
        "reason",
        "state",
        "created",
        "reply",
        "model_name",
        "short_comment",
        "visitor",
        "reviewer",
    ]
    list_filter = ["state", "reason", "message__model", "created"]
    search_fields = ["comment", "note", "=message__id", "=message__conversation__id", "=visitor__key"]
    readonly_fields = ["reply", "reason", "comment", "visitor", "created", "state", "reviewer", "reviewed"]
    fields = [*readonly_fields, "note"]
    actions = ["uphold", "dismiss", "reopen"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("reviewer")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("feedback.change_flag")

    def save_model(self, request: HttpRequest, obj: Flag, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "note" in form.changed_data:
            AuditEntry.objects.create(
                actor_id=request.user.pk,
                action="flag_note",
                target=f"flag {obj.pk}",
                detail={"note": obj.note},
            )

    @admin.action(description=_("Uphold the chosen flags"), permissions=["change"])
    def uphold(self, request: HttpRequest, queryset: FlagQuerySet) -> None:
        self._decide(request, queryset, Flag.State.UPHELD)

    @admin.action(description=_("Dismiss the chosen flags"), permissions=["change"])
    def dismiss(self, request: HttpRequest, queryset: FlagQuerySet) -> None:
        self._decide(request, queryset, Flag.State.DISMISSED)

    @admin.action(description=_("Open the chosen flags again"), permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: FlagQuerySet) -> None:
        self._decide(request, queryset, Flag.State.OPEN)

    def _decide(self, request: HttpRequest, queryset: FlagQuerySet, state: Flag.State) -> None:
        number = decide(Flag.objects.filter(pk__in=queryset.values("pk")), state, request.user)
        self.message_user(
            request,
            ngettext(
                "%(number)s flag changed to “%(state)s”.", "%(number)s flags changed to “%(state)s”.", number
            )
            % {"number": number, "state": state.label},
            messages.SUCCESS,
        )
