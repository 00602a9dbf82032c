"""The administration's own pages: log-in with its lock and its codes, and what is told to the audit log of both."""

import time
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import get_user_model, login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from chat.limits.rules import minutes_of
from chat.models import AuditEntry
from chat.staff import codes, lock_out
from chat.staff.forms import CodeForm, LogInForm

SETTING_UP_SECONDS = 900
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class StaffSite(admin.AdminSite):
    """Django's administration, with a lock after wrong passwords and one-time codes."""

    site_header = site_title = gettext_lazy("mmchat administration")
    index_title = gettext_lazy("Everything that is stored")
    login_form = LogInForm
    login_template = "admin/log_in.html"

    def get_urls(self) -> list[Any]:
        own: list[URLPattern] = [path("codes/", self.codes_view, name="codes")]
        return [*own, *super().get_urls()]

    def has_permission(self, request: HttpRequest) -> bool:
        # A session that began before codes were required ends.
        known = settings.MMCHAT_ADMIN_CODES != "required" or bool(request.session.get(codes.GIVEN))
        return super().has_permission(request) and known

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Log somebody in, unless this address or this name is locked out."""
        asks = request.method == "POST"
        who = lock_out.limits(request, request.POST.get("username", "") if asks else "")
        if wait := lock_out.count(who) if asks else lock_out.seconds_to_wait(who):
            return _locked(request, wait)
        answer = super().login(request, extra_context)
        if not asks:
            return answer
        if answer.status_code != HttpResponseRedirect.status_code:
            wait = lock_out.seconds_to_wait(who)
            if wait:
                AuditEntry.objects.create(action="lock_out", detail={"seconds": wait})
            return _locked(request, wait) if wait else answer
        lock_out.forgive(request, who)
        return self._came_in(request, answer)

    def _came_in(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        user = request.user
        has_code = codes.has(user)
        if not has_code and settings.MMCHAT_ADMIN_CODES == "required":
            logout(request)
            request.session[codes.SETTING_UP] = [user.pk, time.time()]
            return HttpResponseRedirect(reverse("admin:codes"))
        request.session[codes.GIVEN] = has_code
        AuditEntry.objects.create(actor_id=user.pk, action="log_in", target=f"user {user.pk}")
        lock_out.remember(request, answer, user.get_username())
        return answer

    @method_decorator(never_cache)
    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        answer = super().password_change(request, extra_context)
        if request.method == "POST" and answer.status_code == HttpResponseRedirect.status_code:
            target = f"user {request.user.pk}"
            AuditEntry.objects.create(actor_id=request.user.pk, action="password", target=target)
        return answer

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    def codes_view(self, request: HttpRequest) -> HttpResponse:
        """Let staff set up one-time codes, get a new list for emergencies, and switch codes off."""
        user: Any = request.user if self.has_permission(request) else _who_sets_up(request)
        if user is None:
            return HttpResponseRedirect(reverse("admin:login"))
        form = CodeForm(request.POST if request.method == "POST" else None)
        made = None
        if form.is_valid():
            code = form.cleaned_data["code"]
            who = lock_out.limits(request, user.get_username())
            if wait := lock_out.count(who):
                return _locked(request, wait)
            if not codes.has(user):
                made = codes.confirm(user, code)
                if made:
                    login(request, user, MODEL_BACKEND)  # a session's key is new with what it may
                    request.session[codes.GIVEN] = True
            elif codes.takes(user, code):
                if "off" in request.POST and settings.MMCHAT_ADMIN_CODES != "required":
                    codes.switch_off(user, user)
                    messages.success(request, _("You log in without codes from now on."))
                    lock_out.forgive(request, who)
                    return HttpResponseRedirect(reverse("admin:index"))
                made = codes.new_list(user)
            if made:
                lock_out.forgive(request, who)
            else:
                form.add_error(
                    "code", _("This is not the code of this moment. Is the clock of your phone right?")
                )
        answer = render(request, "admin/codes.html", self._of_codes(request, user, form, made))
        if made:
            lock_out.remember(request, answer, user.get_username())
        return answer

    def _of_codes(
        self, request: HttpRequest, user: Any, form: CodeForm, made: list[str] | None
    ) -> dict[str, Any]:
        has_codes = codes.has(user)
        device = None if has_codes else codes.begin(user)
        return {
            **self.each_context(request),
            "title": _("One-time codes"),
            "form": form,
            "made": made,
            "has_codes": has_codes,
            "left": codes.left(user),
            "required": settings.MMCHAT_ADMIN_CODES == "required",
            "picture": device and codes.picture_of(device),
            "secret": device and codes.secret_of(device),
        }


def _locked(request: HttpRequest, wait: int) -> HttpResponse:
    """Say for how long nobody logs in from here."""
    context = {"seconds": wait, "minutes": minutes_of(wait), "again": request.get_full_path()}
    answer = render(request, "admin/locked.html", context, status=429)
    answer["Retry-After"] = str(wait)
    return answer


def _who_sets_up(request: HttpRequest) -> Any:
    """Give whose password was right a moment ago and who needs codes to come in; None for anybody else."""
    pk, since = request.session.get(codes.SETTING_UP, (None, 0))
    if pk is None or time.time() - since > SETTING_UP_SECONDS:
        return None
    user = get_user_model().objects.filter(pk=pk, is_active=True, is_staff=True).first()
    return None if user is None or codes.has(user) else user
