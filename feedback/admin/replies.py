from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat.admin.access import ReadOnlyAdmin
from chat.admin.links import EXCERPT, conversation_link, excerpt
from feedback.admin.marks import marked_pictures
from feedback.models import Flag, Vote, VoteChange


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

    @admin.display(description=_("reasons"))
    def tags(self, row: Vote | VoteChange) -> str:
        return ", ".join(map(str, row.reasons)) or "–"

    @admin.display(description=_("boxes"))
    def marked(self, row: Vote | VoteChange) -> SafeString | str:
        return marked_pictures(row.boxes)

    @admin.display(description=_("model"), ordering="message__model__name")
    def model_name(self, row: Vote | VoteChange | Flag) -> str:
        return str(row.message.model or "–")

    @admin.display(description=_("comment"))
    def short_comment(self, row: Vote | VoteChange | Flag) -> str:
        return excerpt(row.comment) or "–"
