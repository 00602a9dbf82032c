from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from chat import embedding
from chat.admin.access import AuditedAdmin
from chat.kept import Kept
from chat.models import ChatModel, EmbeddingSite


@admin.register(EmbeddingSite)
class EmbeddingSiteAdmin(AuditedAdmin):
    """Which sites may show the page, and above their list what such a site puts into its page."""

    list_display = ["origin", "note", "created"]
    search_fields = ["origin", "note"]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        origin = settings.MMCHAT_ORIGIN or request.build_absolute_uri("/").rstrip("/")
        snippet = {"origin": origin, "address": origin + reverse("chat:embed")}
        more = {
            "snippet": snippet,
            "of_setting": settings.MMCHAT_EMBED_ORIGINS,
            "any": embedding.origins(),
            "models": ChatModel.objects.filter(enabled=True).exclude(shown_in=ChatModel.ShownIn.ARENA),
            "languages": settings.LANGUAGES,
        }
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: EmbeddingSite, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        Kept.forget_all()
