from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from chat.admin.access import ReadOnlyAdmin
from chat.models import Conversation, Visitor


@admin.register(Visitor)
class VisitorAdmin(ReadOnlyAdmin):
    list_display = [
        "__str__",
        "created",
        "conversations",
        "address",
        "short_hash",
        "terms_version",
        "research",
        "deleted",
        "blocked",
    ]
    list_filter = ["blocked", "research", ("deleted", admin.EmptyFieldListFilter), "created"]
    search_fields = ["=key", "=address_hash", "=address"]
    date_hierarchy = "created"
    ordering = ["-created"]
    fields = [
        "key", "conversations", "created", "address", "address_hash", "terms_version", "terms_accepted",
        "research", "research_changed", "deleted", "blocked",
    ]  # fmt: skip
    readonly_fields = ["key", "conversations"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Visitor]:
        own = Conversation.objects.filter(visitor=OuterRef("pk")).order_by().values("visitor")
        counted = Subquery(own.annotate(number=Count("pk")).values("number"))
        return super().get_queryset(request).annotate(conversation_count=Coalesce(counted, 0))

    @admin.display(description=_("conversations"), ordering="conversation_count")
    def conversations(self, visitor: Visitor) -> SafeString:
        address = reverse("admin:chat_conversation_changelist", query={"visitor__key": str(visitor.pk)})
        return format_html('<a href="{}">{}</a>', address, getattr(visitor, "conversation_count", 0))

    @admin.display(description=_("address hash"), ordering="address_hash")
    def short_hash(self, visitor: Visitor) -> str:
        return visitor.address_hash[:12]
