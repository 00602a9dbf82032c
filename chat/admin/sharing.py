from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from chat import sharing
from chat.admin.access import ReadOnlyAdmin
from chat.admin.links import conversation_link
from chat.models import SharedLink


class StandingFilter(admin.SimpleListFilter):
    title = _("stands")
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SharedLink]) -> QuerySet[SharedLink]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(revoked__isnull=self.value() == "yes")


@admin.register(SharedLink)
class SharedLinkAdmin(ReadOnlyAdmin):
    """Visitors make links; staff look, and take back."""

    list_display = ["address", "conversation_link", "created", "changed", "revoked", "revoker"]
    list_filter = [StandingFilter, "created"]
    list_select_related = ["conversation", "revoker"]
    search_fields = ["=key", "=conversation__id", "=conversation__visitor__key"]
    date_hierarchy = "created"
    fields = ["address", "conversation_link", "created", "changed", "revoked", "revoker", "by_staff"]
    readonly_fields = ["address", "conversation_link"]
    actions = ["take_back"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.revoke_sharedlink")

    @admin.action(description=_("Take back for good"), permissions=["revoke"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[SharedLink]) -> None:
        number = sharing.revoke_by_staff(queryset, request.user)
        self.message_user(
            request,
            ngettext("%(number)s was taken back.", "%(number)s were taken back.", number)
            % {"number": number},
            messages.SUCCESS,
        )

    @admin.display(description=_("address"), ordering="key")
    def address(self, link: SharedLink) -> SafeString:
        url = reverse("chat:shared", args=[link.key])
        return format_html('<a href="{}">{}</a>', url, url)

    @admin.display(description=_("conversation"))
    def conversation_link(self, link: SharedLink) -> SafeString:
        return conversation_link(link.conversation_id, str(link.conversation), link.last_id)
