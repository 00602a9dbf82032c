import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from chat.admin.access import AuditedAdmin
from chat.admin.links import excerpt
from chat.admin.registry import PlacementInline
from chat.backends import KEY_NAME_WORDS, KEY_VARIABLE, Checked, CheckFailed, check
from chat.checking import check_now
from chat.detection import detect
from chat.generation.trial import PICTURES, answer, prepare
from chat.images.errors import error_of
from chat.models import Backend
from chat.refusals import Refused
from chat.registration import KIND_MISSING
from chat.registry import store_checked
from chat.workers.addresses import objection_to


class ServedModelInline(PlacementInline):
    verbose_name_plural = _("Models that it serves")
    fields = ["model", "listed", "last_listed"]


class BackendForm(forms.ModelForm):
    """Ask the backend before it is saved: whoever typed the address is there to mend it."""

    kind = forms.ChoiceField(label=_("Kind"), required=False)
    unchecked = forms.BooleanField(
        label=_("Save without asking it"),
        required=False,
        help_text=_(
            "For a backend that does not run yet. Else it is asked for its models before it is saved."
        ),
    )
    checked: Checked | None = None
    program: str | Promise = ""

    class Meta:
        model = Backend
        fields = ["name", "kind", "url", "key_variable", "taken", "concurrency", "enabled"]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._is_built_in = bool(self.instance.pk) and self.instance.kind == Backend.Kind.BUILT_IN
        kinds: Any = self.fields["kind"]
        kinds.choices = self._kinds()
        if self.instance.pk is None:
            self.initial["kind"] = (named.get("initial") or {}).get("kind", "")

    def _kinds(self) -> list[tuple[str, Any]]:
        """The built-in controller is one, and stays it; its models would else be listed for good."""
        built_in = Backend.Kind.BUILT_IN
        if self._is_built_in:
            return [(built_in.value, built_in.label)]
        outside = [(kind.value, kind.label) for kind in Backend.Kind if kind != built_in]
        return [("", _("found out by asking it")), *outside]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self._is_built_in:
            return cleaned
        url = cleaned["url"] = cleaned.get("url", "").strip().rstrip("/")
        if not re.match("https?://[^/]", url):
            self.add_error("url", _("Give the address as http:// or https:// and a host."))
        elif reason := objection_to(url):
            self.add_error("url", _("This address can't be used. %(reason)s") % {"reason": reason})
        elif self._is_to_be_asked(cleaned):
            self._ask(cleaned)
        elif not cleaned.get("kind") and (cleaned["unchecked"] or not cleaned["enabled"]):
            self.add_error("kind", KIND_MISSING)
        return cleaned

    def clean_key_variable(self) -> str:
        name = self.cleaned_data["key_variable"]
        if name and not KEY_VARIABLE.fullmatch(name):
            raise forms.ValidationError(KEY_NAME_WORDS)
        return name

    def _is_to_be_asked(self, cleaned: dict[str, Any]) -> bool:
        asks_anew = {"kind", "url", "key_variable", "taken", "enabled"} & set(self.changed_data)
        return bool(not self.errors and cleaned["enabled"] and not cleaned["unchecked"] and asks_anew)

    def _ask(self, cleaned: dict[str, Any]) -> None:
        fields = ("kind", "url", "key_variable", "taken")
        backend = Backend(**{name: cleaned[name] for name in fields})
        try:
            if backend.kind:
                self.checked = check(backend)
            else:
                cleaned["kind"], self.program, self.checked = detect(backend)
        except CheckFailed as error:
            detail = f" ({error.code}: {error.detail})" if error.detail else f" ({error.code})"
            self.add_error(error.field, forms.ValidationError(f"{error.text}{detail}", code=error.code))
        else:
            cleaned["url"] = self.checked.url


@admin.register(Backend)
class BackendAdmin(AuditedAdmin):
    form = BackendForm
    list_display = [
        "name",
        "is_well",
        "kind",
        "url",
        "enabled",
        "models_listed",
        "latency",
        "short_error",
    ]
    list_filter = ["kind", "enabled"]
    search_fields = ["name", "url"]
    readonly_fields = ["last_checked", "last_reached", "latency", "failing_since", "last_error"]
    actions = ["check_selected"]
    change_form_template = "admin/chat/backend/change_form.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        told = self.readonly_fields if obj else []
        if obj and obj.kind == Backend.Kind.BUILT_IN:
            return ["name", "kind", "concurrency", "enabled"]  # it is never asked, but its workers are
        return [*BackendForm.Meta.fields, "unchecked", *told]

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[type[Any]]:
        return [ServedModelInline] if obj else []

    def get_urls(self) -> list[URLPattern]:
        def view(name: str, of: Any) -> URLPattern:
            guarded = self.admin_site.admin_view(require_POST(of))
            return path(f"<int:row>/{name}/", guarded, name=f"chat_backend_{name}")

        return [view("check", self.check_view), view("try", self.try_view), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *more: Any, **named: Any
    ) -> HttpResponse:
        if obj := named.get("obj"):
            context["pictures"] = PICTURES
            context["served"] = [
                placement.model for placement in obj.placements.filter(listed=True).select_related("model")
            ]
        return super().render_change_form(request, context, *more, **named)

    def check_view(self, request: HttpRequest, row: int) -> HttpResponse:
        """Ask a backend now: what it said goes to the script that asked, or onto the page that comes next."""
        [told] = check_now([self._row(request, row)])
        if request.accepts("text/html"):
            self.message_user(request, told.text, messages.SUCCESS if told.is_well else messages.ERROR)
            return HttpResponseRedirect(reverse("admin:chat_backend_change", args=[row]))
        return JsonResponse({"is_well": told.is_well, "text": str(told.text), "models": told.models})

    @admin.action(description=_("Check now"), permissions=["change"])
    def check_selected(self, request: HttpRequest, queryset: QuerySet[Backend]) -> None:
        for told in check_now(list(queryset)):
            level = messages.SUCCESS if told.is_well else messages.ERROR
            text = _("Backend %(name)s: %(text)s") % {"name": told.backend.name, "text": told.text}
            self.message_user(request, text, level)

    def try_view(self, request: HttpRequest, row: int) -> HttpResponseBase:
        """Stream what a model of a backend answers to a prompt, one JSON object a line."""
        backend = self._row(request, row)
        model, prompt, picture = (request.POST.get(name, "") for name in ("model", "prompt", "picture"))
        try:
            trial = prepare(backend, model, prompt, picture, request.user.pk)
        except Refused as refused:
            return JsonResponse({"error": error_of(refused)}, status=400)
        return StreamingHttpResponse(
            answer(trial),
            content_type="application/x-ndjson",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    def _row(self, request: HttpRequest, row: int) -> Backend:
        backend = Backend.objects.filter(pk=row).first()
        if not self.has_change_permission(request, backend):
            raise PermissionDenied
        if backend is None:
            raise Http404
        return backend

    def get_queryset(self, request: HttpRequest) -> QuerySet[Backend]:
        listed = Count("placements", filter=Q(placements__listed=True))
        return super().get_queryset(request).annotate(listed_now=listed)

    def save_model(self, request: HttpRequest, obj: Backend, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if checked := getattr(form, "checked", None):
            store_checked(obj, checked)
            if form.program:
                self.message_user(request, _("Found: %(program)s.") % {"program": form.program})
            self.message_user(
                request,
                ngettext(
                    "It answers at %(url)s, and serves %(count)s model.",
                    "It answers at %(url)s, and serves %(count)s models.",
                    len(checked.models),
                )
                % {"url": checked.url, "count": len(checked.models)},
            )

    @admin.display(description=_("well"), boolean=True)
    def is_well(self, backend: Backend) -> bool | None:
        """Tell by the last call; None where there was none, or is to be none."""
        if backend.last_error:
            return False
        if backend.kind == Backend.Kind.BUILT_IN:
            return (backend.enabled and getattr(backend, "listed_now", 0) > 0) or None
        return True if backend.enabled and backend.last_reached else None

    @admin.display(description=_("models"))
    def models_listed(self, backend: Backend) -> int:
        return getattr(backend, "listed_now", 0)

    @admin.display(description=_("answers in"))
    def latency(self, backend: Backend) -> str:
        return "–" if backend.seconds is None else f"{backend.seconds * 1000:.0f} ms"

    @admin.display(description=_("last error"), empty_value="–")
    def short_error(self, backend: Backend) -> str | None:
        """Give the codes; their details, which are long, are on the backend's page."""
        codes = re.match(r"[a-z_]+(?=:|$)(: [a-z_]+(?=:|$))*", backend.last_error)
        return codes[0] if codes else excerpt(backend.last_error) or None
