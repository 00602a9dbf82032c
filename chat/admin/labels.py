from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class LabelledListAdmin(admin.ModelAdmin):
    """Name the fields that a list lets staff edit: Django leaves them to the column's head, which is no label."""

    def get_changelist_formset(self, request: HttpRequest, **more: Any) -> Any:
        formset = super().get_changelist_formset(request, **more)
        for field in formset.form.base_fields.values():
            field.widget.attrs["aria-label"] = field.label
        return formset
