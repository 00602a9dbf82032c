from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.models import AuditEntry, ReviewState
from feedback.admin.replies import AboutReplyAdmin
from feedback.models import Flag, FlagQuerySet
from feedback.review.verdicts import judge


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
    list_filter = [
        "state",
        "reason",
        "message__model",
        "created",
        ("message__conversation__deleted", admin.EmptyFieldListFilter),
    ]
    search_fields = ["comment", "note", "=message__id", "=message__conversation__id", "=visitor__key"]
    readonly_fields = ["reply", "reason", "comment", "visitor", "created", "state", "reviewer", "reviewed"]
    fields = [*readonly_fields, "note"]
    actions = ["uphold", "dismiss", "reopen"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("reviewer")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("feedback.change_flag")

    def save_model(self, request: HttpRequest, obj: Flag, form: Any, change: bool) -> None:
        if "note" in form.changed_data:
            # Nothing else: the flag may have been decided since the page's row was read.
            obj.save(update_fields=["note"])
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

    def _decide(self, request: HttpRequest, queryset: FlagQuerySet, state: ReviewState) -> None:
        number = judge(Flag.objects.filter(pk__in=queryset.values("pk")), state, request.user)
        self.message_user(
            request,
            ngettext(
                "%(number)s flag changed to “%(state)s”.", "%(number)s flags changed to “%(state)s”.", number
            )
            % {"number": number, "state": state.label},
            messages.SUCCESS,
        )
