from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminIntegerFieldWidget
from django.db.models import PositiveIntegerField
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from chat.admin.labels import LabelledListAdmin
from chat.kept import Kept
from chat.models import LimitRule


@admin.register(LimitRule)
class LimitRuleAdmin(LabelledListAdmin):
    """What visitors may do how often; changes hold within a second at every process."""

    list_display = ["name", "counted", "by", "amount", "seconds", "enabled"]
    list_editable = ["amount", "seconds", "enabled"]
    list_filter = ["by", "enabled"]
    search_fields = ["name"]
    # Else a form that refuses −3 says that 0 will do, which the model then refuses.
    formfield_overrides = {PositiveIntegerField: {"min_value": 1, "widget": AdminIntegerFieldWidget}}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not settings.MMCHAT_LIMITS:
            messages.warning(request, _("MMCHAT_LIMITS is off: no limit is in force."))
        return super().changelist_view(request, extra_context)

    def save_model(self, request: HttpRequest, obj: LimitRule, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        Kept.forget_all()

    def delete_model(self, request: HttpRequest, obj: LimitRule) -> None:
        super().delete_model(request, obj)
        Kept.forget_all()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        Kept.forget_all()
