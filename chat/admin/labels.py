from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _

from chat.admin.access import AuditedAdmin


class LabelledListAdmin(AuditedAdmin):
    """Name the fields that a list lets staff edit: Django leaves them to the column's head, which is no label."""

    def get_changelist_formset(self, request: HttpRequest, **more: Any) -> Any:
        formset = super().get_changelist_formset(request, **more)
        for field in formset.form.base_fields.values():
            field.widget.attrs["aria-label"] = field.label
        return formset


class LabelledTimesAdmin(admin.ModelAdmin):
    """Name the two halves of a time that staff type: Django leaves them to a legend, which is no label."""

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **more: Any
    ) -> forms.Field | None:
        field = super().formfield_for_dbfield(db_field, request, **more)
        if isinstance(field, forms.SplitDateTimeField):
            for widget, half in zip(field.widget.widgets, (_("date"), _("time")), strict=True):
                widget.attrs["aria-label"] = f"{field.label}: {half}"
        return field
