import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.admin.access import ReadOnlyAdmin
from chat.admin.labels import LabelledTimesAdmin
from feedback import tokens
from feedback.models import PERMISSIONS, ApiToken, Scope


class TokenForm(forms.ModelForm):
    """A new token: its name, what it may do, and until when."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("You can give what you may do yourself; when you may no longer, neither may the token."),
    )

    class Meta:
        model = ApiToken
        fields = ["name", "scopes", "expires"]

    user: Any = None  # set by the admin for each request

    def clean_scopes(self) -> list[str]:
        scopes: list[str] = self.cleaned_data["scopes"]
        lacking = [scope for scope in scopes if not self.user.has_perm(PERMISSIONS[Scope(scope)])]
        if lacking:
            raise forms.ValidationError(
                _("You may not do this yourself: %(scopes)s.") % {"scopes": ", ".join(lacking)}
            )
        return scopes


@admin.register(ApiToken)
class ApiTokenAdmin(LabelledTimesAdmin, ReadOnlyAdmin):
    """Tokens of the API: made here and shown once, revoked here."""

    form = TokenForm
    list_display = ["name", "beginning", "shown_scopes", "creator", "created", "used", "expires", "state"]
    list_display_links = None
    list_select_related = ["creator"]
    search_fields = ["name", "=beginning"]
    shown = ["name", "beginning", "shown_scopes", "creator", "created", "used", "expires", "state"]
    change_list_template = "admin/feedback/apitoken/change_list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feedback.add_apitoken")

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return ["name", "scopes", "expires"] if obj is None else self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return () if obj is None else self.shown

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **{**kwargs, "form": forms.ModelForm})
        form = super().get_form(request, obj, change, **kwargs)
        return type("TokenFormOfUser", (form,), {"user": request.user})

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        obj.creator = form.user
        obj.text = tokens.make(obj)  # type: ignore[attr-defined]  # for the next page only

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the token once, in the answer itself: a redirect would have to store it somewhere."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Token made"),
            "opts": self.opts,
            "token": obj,
        }
        return TemplateResponse(request, "admin/feedback/apitoken/made.html", context)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The audit log has it."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.revoke_view)
        return [path("<uuid:token>/revoke/", view, name="feedback_apitoken_revoke"), *super().get_urls()]

    def revoke_view(self, request: HttpRequest, token: uuid.UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_add_permission(request):
            raise PermissionDenied
        if tokens.revoke(get_object_or_404(ApiToken, pk=token), request.user.pk):
            messages.success(request, gettext("The token is revoked."))
        else:
            messages.info(request, gettext("The token had been revoked."))
        return HttpResponseRedirect(reverse("admin:feedback_apitoken_changelist"))

    @admin.display(description=_("scopes"))
    def shown_scopes(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description=_("state"), ordering="revoked")
    def state(self, token: ApiToken) -> SafeString | str:
        if token.revoked:
            return gettext("revoked")
        return format_html(
            '<button type="submit" form="revoking" formaction="{}">{}</button>',
            reverse("admin:feedback_apitoken_revoke", args=[token.pk]),
            gettext("Revoke"),
        )
