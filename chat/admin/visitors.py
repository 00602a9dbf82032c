from typing import Any

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

SEES_ADDRESSES = "chat.view_address"
ADDRESSES = ("address", "address_hash", "short_hash")


def _without_addresses(request: HttpRequest, names: Any) -> list[str]:
    if request.user.has_perm(SEES_ADDRESSES):
        return list(names)
    return [name for name in names if name.removeprefix("=") not in ADDRESSES]


class BlockedFilter(admin.SimpleListFilter):
    title = _("blocked")
    parameter_name = "blocked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Visitor]) -> QuerySet[Visitor]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(is_blocked=self.value() == "yes")  # type: ignore[misc]  # set by `with_blocked`


@admin.register(Visitor)
class VisitorAdmin(ReadOnlyAdmin):
    change_form_template = "admin/chat/restrictable.html"
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
    list_filter = [BlockedFilter, "research", ("deleted", admin.EmptyFieldListFilter), "created"]
    search_fields = ["=key", "=address_hash", "=address"]
    date_hierarchy = "created"
    ordering = ["-created"]
    fields = [
        "key", "conversations", "created", "address", "address_hash", "terms_version", "terms_accepted",
        "research", "research_changed", "deleted", "blocked",
    ]  # fmt: skip
    readonly_fields = ["key", "conversations", "blocked"]

    # Who may not see addresses finds none by their columns, by searching, by filters in the address bar or on a page.

    def get_list_display(self, request: HttpRequest) -> Any:
        return _without_addresses(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return _without_addresses(request, self.fields)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return _without_addresses(request, self.search_fields)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if lookup.startswith("address") and not request.user.has_perm(SEES_ADDRESSES):
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Visitor]:
        own = Conversation.objects.filter(visitor=OuterRef("pk")).order_by().values("visitor")
        counted = Subquery(own.annotate(number=Count("pk")).values("number"))
        visitors = Visitor.objects.with_blocked()
        return visitors.annotate(conversation_count=Coalesce(counted, 0))

    @admin.display(description=_("conversations"), ordering="conversation_count")
    def conversations(self, visitor: Visitor) -> SafeString:
        address = reverse("admin:chat_conversation_changelist", query={"visitor__key": str(visitor.pk)})
        return format_html('<a href="{}">{}</a>', address, getattr(visitor, "conversation_count", 0))

    @admin.display(description=_("blocked"), boolean=True)
    def blocked(self, visitor: Visitor) -> bool:
        return visitor.is_blocked

    @admin.display(description=_("address hash"), ordering="address_hash")
    def short_hash(self, visitor: Visitor) -> str:
        return visitor.address_hash[:12]
