import datetime
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat import events, parameters
from chat.admin.host_pictures import ExamplePictureForm, SiteTextForm
from chat.admin.labels import LabelledListAdmin, LabelledTimesAdmin
from chat.admin.preview import PreviewedAdmin, Related
from chat.host import HostRows
from chat.images.preprocess import IMAGE_MODES
from chat.models import (
    Announcement,
    ChatModel,
    Example,
    ExamplePicture,
    SiteText,
    SiteTranslation,
    Terms,
    TermsTranslation,
)
from chat.refusals import Refused


class SiteTranslationInline(admin.StackedInline):
    model = SiteTranslation
    extra = 0


@admin.register(SiteText)
class SiteTextAdmin(PreviewedAdmin):
    """One row: its list leads straight to it."""

    form = SiteTextForm
    fieldsets = [
        (None, {"fields": ["title", "logo", ("accent", "accent_dark")]}),
        (_("Words"), {"fields": ["welcome", "acknowledgements"]}),
        (_("Research"), {"fields": ["offers_research", "research_text"]}),
    ]
    inlines = [SiteTranslationInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not SiteText.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = SiteText.objects.first()
        if row is None or not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(reverse("admin:chat_sitetext_change", args=[row.pk]))

    def row_of(self, request: HttpRequest) -> SiteText | None:
        return SiteText.objects.first()

    def shown(self, rows: HostRows, obj: SiteText, related: Related) -> HostRows:
        obj.unsaved_translations = related[SiteTranslation]
        return replace(rows, site_text=obj)


class TermsTranslationInline(admin.StackedInline):
    model = TermsTranslation
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Terms | None = None) -> bool:
        return super().has_add_permission(request, obj) and not (obj and obj.must_be_accepted)

    def has_change_permission(self, request: HttpRequest, obj: Terms | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.must_be_accepted)

    def has_delete_permission(self, request: HttpRequest, obj: Terms | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.must_be_accepted)


@admin.register(Terms)
class TermsAdmin(PreviewedAdmin):
    """Versions that visitors were asked to accept stay as they are, in each language."""

    list_display = ["version", "created", "must_be_accepted"]
    readonly_fields = ["created"]
    inlines = [TermsTranslationInline]

    def has_change_permission(self, request: HttpRequest, obj: Terms | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.must_be_accepted)

    def has_delete_permission(self, request: HttpRequest, obj: Terms | None = None) -> bool:
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        others = form.instance.translations.exists() and not any(
            formset.has_changed() for formset in formsets
        )
        if change and others and "text" in form.changed_data:
            words = _("The texts in other languages are as they were: see whether they still say the same.")
            self.message_user(request, words, messages.WARNING)

    def shown(self, rows: HostRows, obj: Terms, related: Related) -> HostRows:
        obj.unsaved_translations = related[TermsTranslation]
        return replace(rows, terms=obj)


@admin.register(Announcement)
class AnnouncementAdmin(PreviewedAdmin, LabelledTimesAdmin):
    list_display = ["text", "important", "language", "starts", "ends"]
    list_filter = ["important", "language"]
    search_fields = ["text"]

    def shown(self, rows: HostRows, obj: Announcement, related: Related) -> HostRows:
        # As it looks in its time, whenever that is.
        obj.starts, obj.ends, obj.language = timezone.now() - datetime.timedelta(days=1), None, ""
        others = [row for row in rows.announcements if row.pk != obj.pk]
        return replace(rows, announcements=[obj, *others])


class ExampleForm(forms.ModelForm):
    """An example whose parameters are those that its question may be asked with."""

    image_mode = forms.ChoiceField(
        label=_("Image mode"), required=False, choices=[("", "—"), *((mode, mode) for mode in IMAGE_MODES)]
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        asked = {name: data.get(name) or None for name in ("image_mode",)}
        asked |= {name: data.get(name) for name in Example.PARAMETERS if name != "image_mode"}
        try:
            parameters.resolve(events.Parameters(**asked), data.get("model") or ChatModel())
        except Refused as refused:
            raise ValidationError({refused.field or "": refused.text}) from None
        return data


class ExamplePictureInline(admin.TabularInline):
    model = ExamplePicture
    form = ExamplePictureForm
    extra = 1
    readonly_fields = ["shipped"]


@admin.register(Example)
class ExampleAdmin(PreviewedAdmin, LabelledListAdmin):
    form = ExampleForm
    list_display = ["question", "language", "model", "position", "enabled"]
    list_editable = ["position", "enabled"]
    list_filter = ["enabled", "language"]
    list_select_related = ["model"]
    search_fields = ["question", "pictures__description"]
    fieldsets = [
        (None, {"fields": ["question", "language", ("position", "enabled")]}),
        (
            _("Asked with"),
            {
                "fields": ["model", *Example.PARAMETERS],
                "description": _("What is empty stays as the visitor has it."),
            },
        ),
    ]
    inlines = [ExamplePictureInline]

    def shown(self, rows: HostRows, obj: Example, related: Related) -> HostRows:
        obj.language = ""  # of the page that is looked at
        others = [row for row in rows.examples if row[0].pk != obj.pk]
        shown = sorted([*others, (obj, related[ExamplePicture])], key=lambda row: row[0].position)
        return replace(rows, examples=shown)
