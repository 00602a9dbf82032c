"""Content checks: set up, put in order, and tried."""

from dataclasses import asdict
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from chat.admin.labels import LabelledListAdmin
from chat.backends import KEY_NAME_WORDS, KEY_VARIABLE, CheckFailed, check_backend, in_time
from chat.images.errors import ImageRefused
from chat.images.unstored import unstored
from chat.models import ChatModel, CheckThreshold, Consequence, ModerationCheck, Stage
from chat.moderation.checks import Subject
from chat.moderation.classifier import is_installed
from chat.moderation.guard import PRESETS
from chat.moderation.kinds import ASKS_OTHERS
from chat.moderation.lists import BadExpression, compiled
from chat.moderation.openai import FROM_SETTINGS
from chat.moderation.trial import try_out
from chat.workers.addresses import objection_to

Kind = ModerationCheck.Kind

# What a kind has to be told beside what all have.
OWN_FIELDS: dict[str, list[str]] = {
    Kind.LISTS: ["words", "expressions"],
    Kind.OPENAI: ["url", "key_variable", "served_model"],
    Kind.GUARD: ["guard", "prompt", "reply_prompt", "unsafe", "safe", "answer_tokens"],
    Kind.LOOKALIKES: [],
    Kind.CLASSIFIER: [],
}
SEES_BOTH = (Kind.OPENAI, Kind.GUARD)  # text and images
SEES_IMAGES = (Kind.LOOKALIKES, Kind.CLASSIFIER)
DESCRIPTIONS = {
    Kind.LISTS: _("Words that you list, and regular expressions. Asks nobody, and takes milliseconds."),
    Kind.OPENAI: _("A service that scores text and images by categories: OpenAI's own, or one that you run."),
    Kind.GUARD: _(
        "A model of one of the backends that tells whether a text is safe, as Llama Guard and ShieldGemma do."
    ),
    Kind.LOOKALIKES: _(
        "Images that resemble those that moderators have blocked. What is the same or nearly so is refused without "
        "any check; this finds what was changed more. The category is “likeness”; usual is a score of 0.68."
    ),
    Kind.CLASSIFIER: _(
        "NudeNet, which finds naked people, on this machine. Usual is a score of 0.5 for what is exposed; thresholds "
        "can be set for each of its categories, like FEMALE_BREAST_EXPOSED."
    ),
}


class CheckForm(forms.ModelForm):
    """A check that can run: its kind has all that it needs, and nothing in it is wrong."""

    kind = ""

    def is_multipart(self) -> bool:
        return True  # percent signs would make a list three times as long as a form may be

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name == FROM_SETTINGS:
            raise forms.ValidationError(_("The check of --moderate has this name. Choose another one."))
        return name

    def clean_expressions(self) -> str:
        listed: str = self.cleaned_data["expressions"]
        errors = []
        for number, line in enumerate(listed.splitlines(), 1):
            try:
                compiled(line.strip(), number)
            except BadExpression as error:
                words = _("Line %(line)s: %(reason)s") % {"line": error.line, "reason": error.reason}
                errors.append(forms.ValidationError(words))
        if errors:
            raise forms.ValidationError(errors)
        return listed

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        if not url.startswith(("http://", "https://")):
            raise forms.ValidationError(_("Give the address as http:// or https:// and a host."))
        if reason := objection_to(url):
            raise forms.ValidationError(_("This address can't be used. %(reason)s") % {"reason": reason})
        try:
            in_time(lambda: check_backend(url))
        except CheckFailed as error:
            raise forms.ValidationError(str(error.text), code=error.code) from None
        return url

    def clean_key_variable(self) -> str:
        name: str = self.cleaned_data["key_variable"]
        if name and not KEY_VARIABLE.fullmatch(name):
            raise forms.ValidationError(KEY_NAME_WORDS)
        return name

    def clean_prompt(self) -> str:
        return _with_its_place(self.cleaned_data["prompt"])

    def clean_reply_prompt(self) -> str:
        return _with_its_place(self.cleaned_data["reply_prompt"])

    def clean_unsafe(self) -> str:
        return _one_expression(self.cleaned_data["unsafe"])

    def clean_safe(self) -> str:
        return _one_expression(self.cleaned_data["safe"])

    def clean_guard(self) -> ChatModel:
        guard: ChatModel | None = self.cleaned_data["guard"]
        if guard is None:
            raise forms.ValidationError(_("Choose the model that is asked."))
        return guard

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.kind == Kind.CLASSIFIER and not is_installed():
            command = "pip install --require-hashes -r requirements-image-check.txt"
            raise forms.ValidationError(_("NudeNet is not installed: %(command)s") % {"command": command})
        if "on_messages" in self.fields and not data.get("on_messages") and not data.get("on_replies"):
            self.add_error("on_messages", _("Choose messages, replies, or both."))
        if "on_images" in self.fields and not data.get("on_text") and not data.get("on_images"):
            self.add_error("on_text", _("Choose text, images, or both."))
        if "words" in self.fields and not self.errors and not (data["words"] + data["expressions"]).strip():
            self.add_error("words", _("List at least one word or expression."))
        return data


def _with_its_place(prompt: str) -> str:
    if prompt and "{text}" not in prompt:
        raise forms.ValidationError(_("The prompt needs {text} where what is checked is to stand."))
    return prompt


def _one_expression(expression: str) -> str:
    if not expression:
        raise forms.ValidationError(_("Without this, no answer can be read."))
    try:
        compiled(expression)
    except BadExpression as error:
        raise forms.ValidationError(error.reason) from None
    return expression


class ThresholdInline(admin.TabularInline):
    model = CheckThreshold
    extra = 0


class TrialForm(forms.Form):
    """What is tried, and as what."""

    text = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 5}), required=False)
    image = forms.FileField(label=_("Image"), required=False)
    stage = forms.ChoiceField(label=_("As"), choices=Stage.choices, initial=Stage.MESSAGE)
    model = forms.ModelChoiceField(
        ChatModel.objects.order_by("name"),
        label=_("For or of the model"),
        required=False,
        empty_label=_("any"),
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        text: Any = self.fields["text"]
        text.max_length = settings.MMCHAT_MAX_MESSAGE_CHARACTERS
        text.widget.attrs["maxlength"] = text.max_length

    def clean_image(self) -> Any:
        file = self.cleaned_data["image"]
        if not file:
            return None
        try:
            return unstored(file.read())
        except ImageRefused as refused:
            raise forms.ValidationError(str(refused.text)) from None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not data["text"].strip() and not data["image"]:
            self.add_error("text", _("Write a text, or add an image."))
        return data

    def subject(self) -> Subject:
        image = self.cleaned_data["image"]
        images = [image] if image else []
        return Subject(Stage(self.cleaned_data["stage"]), self.cleaned_data["text"], images)


@admin.register(ModerationCheck)
class ModerationCheckAdmin(LabelledListAdmin):
    """A check keeps its kind; a new one is asked for that first."""

    form = CheckForm
    list_display = [
        "name", "position", "enabled", "dry_run", "kind", "looks_at", "outcome", "without_answer", "only_for",
    ]  # fmt: skip
    list_editable = ["position", "enabled", "dry_run"]
    inlines = [ThresholdInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("for_models")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"moderates": settings.MMCHAT_MODERATE, **(extra_context or {})}
        return super().changelist_view(request, context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.test_view)
        return [path("test/", view, name="chat_moderationcheck_test"), *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.has_add_permission(request) and _asked_kind(request) is None:
            context = {
                **self.admin_site.each_context(request),
                "title": _("Add a content check"),
                "opts": self.opts,
                "kinds": [(kind, kind.label, words) for kind, words in DESCRIPTIONS.items()],
                "presets": [(name, preset.label) for name, preset in PRESETS.items()],
            }
            return TemplateResponse(request, "admin/chat/moderationcheck/kinds.html", context)
        return super().add_view(request, form_url, extra_context)

    def get_fieldsets(self, request: HttpRequest, obj: ModerationCheck | None = None) -> Any:
        kind = Kind(obj.kind) if obj else _asked_kind(request) or Kind.LISTS
        stages = [("on_messages", "on_replies")] if kind not in SEES_IMAGES else []
        parts = [("on_text", "on_images")] if kind in SEES_BOTH else []
        when_down = [("timeout", "when_down")] if kind in ASKS_OTHERS else []
        return [
            (None, {"fields": ["name", ("position", "enabled", "dry_run")]}),
            (capfirst(kind.label), {"fields": OWN_FIELDS[kind], "description": DESCRIPTIONS[kind]}),
            (_("What it looks at"), {"fields": [*stages, *parts, "for_models"]}),
            (_("What follows"), {"fields": ["outcome", *when_down]}),
        ]  # fmt: skip

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **more: Any) -> Any:
        form = super().get_form(request, obj, change, **more)
        form.kind = obj.kind if obj else _asked_kind(request) or ""  # type: ignore[attr-defined]
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        preset = PRESETS.get(request.GET.get("preset", ""))
        held = {"outcome": Consequence.HELD} if _asked_kind(request) in SEES_IMAGES else {}
        return {**held, **({**asdict(preset), "name": preset.label} if preset else {})}

    def save_model(self, request: HttpRequest, obj: ModerationCheck, form: Any, change: bool) -> None:
        if not change:
            obj.kind = _asked_kind(request) or Kind.LISTS
            if obj.kind in SEES_IMAGES:
                obj.on_text, obj.on_images = False, True
        super().save_model(request, obj, form, change)

    def test_view(self, request: HttpRequest) -> HttpResponse:
        """Show what all checks make of a text and an image, and what its visitor would read."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = TrialForm(request.POST or None, request.FILES or None)
        trial = None
        if request.method == "POST" and form.is_valid():
            model = form.cleaned_data["model"]
            trial = try_out(form.subject(), model.name if model else None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Try the content checks"),
            "opts": self.opts,
            "form": form,
            "trial": trial,
        }
        return TemplateResponse(request, "admin/chat/moderationcheck/test.html", context)

    @admin.display(description=_("looks at"))
    def looks_at(self, check: ModerationCheck) -> str:
        stages = [(check.on_messages, _("messages")), (check.on_replies, _("replies"))]
        parts = [(check.on_text, _("text")), (check.on_images, _("images"))]
        return "; ".join(", ".join(str(word) for has, word in pair if has) for pair in (stages, parts))

    @admin.display(description=_("without an answer"), empty_value="–")
    def without_answer(self, check: ModerationCheck) -> str | None:
        return check.get_when_down_display() if check.kind in ASKS_OTHERS else None

    @admin.display(description=_("only for"), empty_value="–")
    def only_for(self, check: ModerationCheck) -> str | None:
        return ", ".join(str(model) for model in check.for_models.all()) or None


def _asked_kind(request: HttpRequest) -> ModerationCheck.Kind | None:
    kind = request.GET.get("kind", "")
    return Kind(kind) if kind in Kind.values else None
