"""What staff may do with a kind of row, beyond their permissions."""

from typing import Any

from django.contrib import admin
from django.db import models, transaction
from django.http import HttpRequest

from chat.models import AuditEntry


class ReadOnlyAdmin(admin.ModelAdmin):
    """Show rows that only the site itself writes, so that nobody can forge or lose them."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    """Show rows beside the one that they belong to."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AuditedAdmin(admin.ModelAdmin):
    """Let staff add, change and delete rows, and write each of these into the audit log."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        AuditEntry.objects.create(**self._entry(request, obj, "add"))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        # Which fields, not their values: these may be long, and what a key is must not be told.
        if message:
            AuditEntry.objects.create(**self._entry(request, obj, "change", changes=message))
        return super().log_change(request, obj, message)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with transaction.atomic():
            AuditEntry.objects.create(**self._entry(request, obj, "delete"))
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        with transaction.atomic():
            entries = [AuditEntry(**self._entry(request, obj, "delete")) for obj in queryset]
            AuditEntry.objects.bulk_create(entries)
            super().delete_queryset(request, queryset)

    def _entry(self, request: HttpRequest, obj: Any, action: str, **detail: Any) -> dict[str, Any]:
        return {
            "actor_id": request.user.pk,
            "action": action,
            "target": f"{self.opts.model_name} {obj.pk}",
            "detail": {"name": str(obj), **detail},
        }
