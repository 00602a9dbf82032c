from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.utils.translation import gettext_lazy as _

from chat.staff import codes


class LogInForm(AdminAuthenticationForm):
    """Name, password, and a one-time code where anybody needs one; what is wrong of the three is not told."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": _(
            "Name, password and code do not belong together. Capital and small letters differ."
        ),
    }
    code = forms.CharField(
        label=_("One-time code, if you have set up codes"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if not codes.are_used() and settings.MMCHAT_ADMIN_CODES != "required":
            del self.fields["code"]

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if codes.has(user) and not codes.takes(user, self.cleaned_data.get("code", "")):
            raise self.get_invalid_login_error()


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "spellcheck": "false", "autofocus": True}
        ),
    )
