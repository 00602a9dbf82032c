from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat.admin.access import ReadOnlyAdmin
from chat.admin.links import conversation_link, excerpt
from chat.refusals import Refused
from feedback.models import Review
from feedback.review.decisions import undo


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """What moderators decided in the queue, by whom and with which consequences."""

    list_display = [
        "created", "verdict", "moderator", "about", "short_note", "hidden_reply", "blocked_visitor", "undone",
    ]  # fmt: skip
    list_filter = ["verdict", ("undone", admin.EmptyFieldListFilter), "created"]
    list_select_related = ["moderator", "message__conversation", "hidden_reply", "blocked_visitor"]
    search_fields = ["note", "=message__id", "=message__conversation__id", "moderator__username"]
    date_hierarchy = "created"
    ordering = ["-created"]
    fields = [
        "created", "verdict", "moderator", "about", "note", "flags", "events", "hidden_reply", "blocked_visitor",
        "blocked_images", "undone",
    ]  # fmt: skip
    readonly_fields = ["about"]
    actions = ["take_back"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("message__text", "message__error_detail")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feedback.decide_reviewitem")

    @admin.action(description=_("Undo the chosen decisions"), permissions=["decide"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[Review]) -> None:
        number = 0
        for review in queryset:
            try:
                undo(request.user, review)  # type: ignore[arg-type]  # staff are users
                number += 1
            except Refused:
                continue  # it was undone before
        self.message_user(
            request,
            ngettext("%(number)s decision was undone.", "%(number)s decisions were undone.", number)
            % {"number": number},
            messages.SUCCESS if number else messages.WARNING,
        )

    @admin.display(description=_("about"))
    def about(self, review: Review) -> SafeString:
        conversation = review.message.conversation
        return conversation_link(conversation.pk, str(conversation), review.message_id)

    @admin.display(description=_("note"))
    def short_note(self, review: Review) -> str:
        return excerpt(review.note) or "–"
