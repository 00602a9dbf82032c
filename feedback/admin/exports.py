import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.admin.access import ReadOnlyAdmin
from chat.languages import LANGUAGES
from chat.models import ChatModel
from chat.refusals import Refused
from feedback import exports
from feedback.downloads import Download
from feedback.exchange import choice as choices
from feedback.exchange.formats import FORMATS
from feedback.exchange.records import LOGGED
from feedback.models import Export


def _named(values: Any) -> list[tuple[str, str]]:
    return [(value, value) for value in values]


class ExportForm(forms.ModelForm):
    """What to export: the options of `manage.py export_feedback`."""

    format = forms.ChoiceField(
        label=_("Format"), choices=lambda: [(name, each.title) for name, each in FORMATS.items()]
    )
    since = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("This day is in."),
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("This day is not in."),
    )
    types = forms.MultipleChoiceField(
        label=_("Types"),
        required=False,
        choices=_named(LOGGED),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all that the format has. Data sets have a type of their own."),
    )
    models = forms.MultipleChoiceField(
        label=_("Models"),
        required=False,
        choices=lambda: _named(ChatModel.objects.order_by("name").values_list("name", flat=True)),
        help_text=_("None chosen: all."),
    )
    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        required=False,
        choices=_named([*sorted(LANGUAGES), choices.NO_LANGUAGE]),
        help_text=_("None chosen: all. “und”: the words told none."),
    )
    votes = forms.MultipleChoiceField(
        label=_("Votes on the reply"),
        required=False,
        choices=_named(choices.VOTES),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all."),
    )
    moderation = forms.MultipleChoiceField(
        label=_("What moderators made of it"),
        required=False,
        choices=_named(choices.MODERATION),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all but hidden replies."),
    )
    consent = forms.ChoiceField(
        label=_("Consent"),
        required=False,
        choices=[
            ("", _("as usual: only research where the site asks for it, else without refusals")),
            ("research", _("only conversations whose visitors allow research")),
            ("unrefused", _("without those whose visitors said no to research")),
            ("any", _("all conversations, those of visitors who said no as well")),
        ],
    )
    images = forms.BooleanField(label=_("With images"), required=False)
    addresses = forms.BooleanField(
        label=_("With addresses"),
        required=False,
        help_text=_("Visitors' addresses, or their keyed hashes where addresses are not kept."),
    )
    licence = forms.CharField(
        label=_("Licence"),
        required=False,
        max_length=choices.MOST_LICENCE_CHARACTERS,
        help_text=_("What the data card states."),
    )

    class Meta:
        model = Export
        fields = ["format"]

    user: Any = None  # set by the admin for each request

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("addresses") and not self.user.has_perm("chat.view_address"):
            self.add_error("addresses", _("You may not see visitors' addresses."))
        if self.errors:
            return values
        self.instance.format = values["format"]
        self.instance.requester = self.user
        asked = {name: value for name, value in values.items() if name != "format"}
        try:
            choice = choices.read(asked, FORMATS[values["format"]].kinds)
            exports.check(values["format"], choice)
            self.instance.choice = choice.described()
        except Refused as refused:
            self.add_error(refused.field if refused.field in self.fields else None, refused.text)
        return values


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    """Exports: asked for here, made in the background, fetched here."""

    form = ExportForm
    list_display = ["created", "format", "shown_state", "entries", "size", "download", "requester", "filters"]
    list_display_links = None
    list_filter = ["state", "created"]
    list_select_related = ["requester"]
    ordering = ["-created"]
    readonly_fields = ["shown_state", "size", "download", "filters"]
    shown = [
        "format", "shown_state", "error", "error_code", "attempts", "entries", "size", "download", "filters",
        "requester", "created", "finished",
    ]  # fmt: skip
    change_list_template = "admin/feedback/export/change_list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("feedback.add_export")

    def get_fields(self, request: HttpRequest, obj: Export | None = None) -> Any:
        return list(self.form.base_fields) if obj is None else self.shown

    def get_readonly_fields(self, request: HttpRequest, obj: Export | None = None) -> Any:
        return () if obj is None else self.shown

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **{**kwargs, "form": forms.ModelForm})
        form = super().get_form(request, obj, change, **kwargs)
        return type("ExportFormOfUser", (form,), {"user": request.user})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with what another export was asked for, `?like=` its id; its days, where it names times."""
        try:
            like = Export.objects.get(pk=request.GET.get("like", ""))
        except (Export.DoesNotExist, ValidationError):
            return {}
        days = {name: like.choice[name][:10] for name in ("since", "until") if like.choice.get(name)}
        return {"format": like.format, **like.choice, **days}

    def save_model(self, request: HttpRequest, obj: Export, form: Any, change: bool) -> None:
        exports.ask_for(obj, "admin")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except Refused as refused:
            self.message_user(request, refused.text, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:feedback_export_changelist"))

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The audit log has it."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:export>/download/", view(self.download_view), name="feedback_export_download"),
            path("<uuid:export>/cancel/", view(self.cancel_view), name="feedback_export_cancel"),
            *super().get_urls(),
        ]

    def download_view(self, request: HttpRequest, export: uuid.UUID) -> HttpResponseBase:
        row = get_object_or_404(Export, pk=export)
        if not self.has_view_permission(request) or not row.may_be_taken_by(request.user):
            raise PermissionDenied
        if not row.file:
            raise Http404
        try:
            file = default_storage.open(str(row.file.name))
        except FileNotFoundError:
            raise Http404 from None
        exports.taken(row, request.user.pk)
        return Download(file, filename=exports.file_name(row))

    def cancel_view(self, request: HttpRequest, export: uuid.UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = get_object_or_404(Export, pk=export)
        if not self.has_add_permission(request):
            raise PermissionDenied
        if exports.cancel(row, request.user.pk):
            messages.success(request, gettext("The export is being cancelled."))
        else:
            messages.info(request, gettext("There was nothing to cancel: the export had ended."))
        return HttpResponseRedirect(reverse("admin:feedback_export_changelist"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("requester")

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, row: Export) -> SafeString | str:
        if not row.is_unfinished:
            code = f" ({row.error_code})" if row.error_code else ""
            return row.get_state_display() + (f": {row.error}{code}" if row.error else "")
        return format_html(
            '<progress max="100" value="{}"></progress> {} {} % '
            '<button type="submit" form="cancelling" formaction="{}">{}</button>',
            row.percent,
            row.get_state_display(),
            row.percent,
            reverse("admin:feedback_export_cancel", args=[row.pk]),
            gettext("Cancel"),
        )

    @admin.display(description=_("size"), ordering="bytes")
    def size(self, row: Export) -> str:
        return "–" if row.bytes is None else filesizeformat(row.bytes)

    @admin.display(description=_("file"))
    def download(self, row: Export) -> SafeString | str:
        if row.is_unfinished:
            return "–"
        if not row.file:
            again = f"{reverse('admin:feedback_export_add')}?like={row.pk}"
            return format_html('<a href="{}">{}</a>', again, gettext("Ask for it again"))
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:feedback_export_download", args=[row.pk]),
            exports.file_name(row),
        )

    @admin.display(description=_("filters"))
    def filters(self, row: Export) -> str:
        """Tell what differs from an export without filters."""
        usual = choices.Choice().described()
        told = {
            name: value for name, value in row.choice.items() if value != usual.get(name) and name != "types"
        }
        return ", ".join(
            f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
            for name, value in told.items()
        )
