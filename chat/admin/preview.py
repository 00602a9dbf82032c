"""A look at the visitors' page with what stands in a form of the administration, before it is stored."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import all_valid
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from chat.admin.access import AuditedAdmin
from chat.host import HostRows, stored
from chat.views.pages import preview

Related = dict[type[models.Model], list[Any]]


class PreviewedAdmin(AuditedAdmin):
    """Offer a preview beside Save; `shown` puts the unsaved row among those of the page."""

    change_form_template = "admin/chat/previewed.html"

    def shown(self, rows: HostRows, obj: Any, related: Related) -> HostRows:
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_preview"
        view = self.admin_site.admin_view(require_POST(self.preview_view))
        return [path("preview/", view, name=name), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *more: Any, **named: Any
    ) -> HttpResponse:
        obj = named.get("obj")
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_preview")
        context["preview"] = f"{address}?row={obj.pk}" if obj else address
        return super().render_change_form(request, context, *more, **named)

    def preview_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the page with what the form holds, or the form again with what is wrong in it; stores nothing."""
        obj = self.row_of(request)
        if not (self.has_change_permission(request, obj) or self.has_add_permission(request)):
            raise PermissionDenied
        form = self.get_form(request, obj, change=obj is not None)(request.POST, request.FILES, instance=obj)
        valid = form.is_valid()
        formsets, _ = self._create_formsets(request, form.instance, change=obj is not None)  # type: ignore[attr-defined]
        if not (all_valid(formsets) and valid):
            return self.changeform_view(request, str(obj.pk) if obj else None, form_url=self._address(obj))
        related = {formset.model: _rows(formset) for formset in formsets}
        return preview(request, self.shown(stored(), form.instance, related))

    def row_of(self, request: HttpRequest) -> Any:
        """Find the row whose form it is; None for a new one."""
        row = request.GET.get("row")
        return self.get_object(request, row) if row else None

    def _address(self, obj: Any) -> str:
        """Give where the form is saved, so that Save does there what it says."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        return reverse(f"{name}_change", args=[obj.pk]) if obj else reverse(f"{name}_add")


def _rows(formset: Any) -> list[Any]:
    """Give the rows that a formset would leave: the old ones, as they are now, and the new ones."""
    kept = [form for form in formset.forms if form not in formset.deleted_forms]
    return [form.instance for form in kept if form.instance.pk or form.has_changed()]
