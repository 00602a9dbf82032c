import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce, Left
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from chat.admin.access import ReadOnlyAdmin, ReadOnlyInline
from chat.admin.links import EXCERPT, conversation_link, excerpt, thumbnail
from chat.failures import WORDS
from chat.inspection import Viewer, any_reply, inspect
from chat.models import Conversation, Message, MessageImage
from chat.words import page_words


class DeletedFilter(admin.SimpleListFilter):
    title = _("deleted by the visitor")
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("No")), ("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(deleted__isnull=self.value() == "no")


class ImportedFilter(admin.SimpleListFilter):
    title = _("imported")
    parameter_name = "imported"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("No")), ("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> QuerySet[Conversation]:
        if self.value() == "no":
            return queryset.filter(source="")
        return queryset.exclude(source="") if self.value() == "yes" else queryset


class ErrorFilter(admin.SimpleListFilter):
    """Offer the known codes; asking the table for those in use would read all of it at each page."""

    title = _("error")
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("any", _("Any")), *((code, code) for code in sorted(WORDS))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        if self.value() == "any":
            return queryset.exclude(error_code="")
        return queryset.filter(error_code=self.value()) if self.value() else queryset


@dataclass(frozen=True)
class Entry:
    """Hold one message as the conversation's page shows it; times are seconds after it was sent."""

    message: Message
    waited: float | None
    first_token: float | None
    whole: float | None


def entries(conversation: Conversation) -> list[Entry]:
    """Read a conversation with all that is shown beside each message; as many queries for any length."""
    messages = conversation.messages.select_related("model", "withheld").prefetch_related(
        Prefetch("images", MessageImage.objects.select_related("upload__image").order_by("position")),
        "moderation_events",
        # These two are rows of `feedback`, which this app may not import.
        "votes",
        "flags__reviewer",
    )
    return [
        Entry(
            message=message,
            waited=_seconds(message.created, message.sent),
            first_token=_seconds(message.sent, message.first_answered),
            whole=_seconds(message.sent, message.finished),
        )
        for message in messages.in_order()
    ]


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "updated", "model", "message_count", "visitor", "created", "deleted"]
    list_filter = ["model", DeletedFilter, "research", ImportedFilter, "created"]
    list_select_related = ["visitor", "model"]
    search_fields = ["=id", "=source_id", "title", "=visitor__key"]
    date_hierarchy = "created"
    fields = [
        "visitor", "model", "template", "system_message", "research", "source", "source_id",
        "created", "updated", "deleted",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        own = Message.objects.filter(conversation=OuterRef("pk")).order_by().values("conversation")
        counted = Subquery(own.annotate(number=Count("pk")).values("number"))
        return super().get_queryset(request).annotate(number_of_messages=Coalesce(counted, 0))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "visitor__key" or super().lookup_allowed(lookup, value, request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        conversation = context.get("original")
        if conversation is not None:
            context |= {"entries": entries(conversation), "words": page_words()}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("messages"), ordering="number_of_messages")
    def message_count(self, conversation: Conversation) -> int:
        return getattr(conversation, "number_of_messages", 0)


class MessageImageInline(ReadOnlyInline):
    model = MessageImage
    fields = ["position", "picture", "upload"]
    readonly_fields = ["picture"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessageImage]:
        return super().get_queryset(request).select_related("upload")

    @admin.display(description=_("picture"))
    def picture(self, image: MessageImage) -> SafeString | str:
        return thumbnail(image.upload_id, image.upload.name)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    change_form_template = "admin/chat/restrictable.html"
    list_display = [
        "beginning",
        "role",
        "state",
        "error_code",
        "created",
        "model",
        "conversation_link",
        "variant",
    ]
    list_filter = ["role", "state", ErrorFilter, "model", "created"]
    list_select_related = ["model", "conversation"]
    search_fields = ["=id", "text", "=conversation__id", "worker"]
    date_hierarchy = "created"
    ordering = ["-created"]
    inlines = [MessageImageInline]
    fields = [
        "conversation_link", "parent", "position", "variant", "continues", "role", "text", "state", "error_code",
        "error_detail", "model", "parameters", "worker", "created", "sent", "first_answered", "finished",
        "protocol", "template", "request_hash", "prompt_tokens", "output_tokens", "finish_reason", "epoch",
        "stop_requested",
    ]  # fmt: skip
    readonly_fields = ["conversation_link"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return (
            super()
            .get_queryset(request)
            .annotate(text_start=Left(F("text"), EXCERPT))
            .defer("text", "error_detail")
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.inspect_view))
        return [path("<uuid:reply>/inspect/", view, name="chat_message_inspect"), *super().get_urls()]

    def inspect_view(self, request: HttpRequest, reply: uuid.UUID) -> HttpResponse:
        """Tell what the model was sent for a reply."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = any_reply(reply)
        if found is None:
            raise Http404
        sees_pictures = request.user.has_perm("chat.view_image")
        return JsonResponse(inspect(found, Viewer(is_staff=True, sees_pictures=sees_pictures)))

    @admin.display(description=_("text"), empty_value="–")
    def beginning(self, message: Message) -> str | None:
        return excerpt(getattr(message, "text_start", "")) or None

    @admin.display(description=_("conversation"), ordering="conversation__title")
    def conversation_link(self, message: Message) -> SafeString:
        return conversation_link(message.conversation_id, str(message.conversation), message.pk)
