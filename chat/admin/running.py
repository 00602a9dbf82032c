import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from chat.admin.access import ReadOnlyAdmin
from chat.generation.overview import overview, stop
from chat.models import RunningReply


@admin.register(RunningReply)
class RunningReplyAdmin(ReadOnlyAdmin):
    """What runs now, on one page that refreshes itself instead of a list."""

    fields = ["model", "state", "worker", "created", "sent", "first_answered", "stop_requested"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return RunningReply.objects.live()

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<uuid:reply>/stop/",
                self.admin_site.admin_view(self.stop_view),
                name="chat_runningreply_stop",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("What runs now"),
            "opts": self.opts,
            "overview": overview(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/chat/runningreply/overview.html", context)

    def stop_view(self, request: HttpRequest, reply: uuid.UUID) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm("chat.stop_runningreply"):
            raise PermissionDenied
        if stop(reply, request.user.pk):
            messages.success(request, _("The reply is being stopped."))
        else:
            messages.info(request, _("There was nothing to stop: the reply had ended."))
        return HttpResponseRedirect(reverse("admin:chat_runningreply_changelist"))
