from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from chat.admin.access import AuditedAdmin
from chat.staff import codes

# Their pages show secrets, and nobody needs them: people set up codes themselves.
for model in (User, Group, TOTPDevice, StaticDevice):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


def _of(user: Any) -> QuerySet[Permission]:
    """Give what an account may, whether it is active or not."""
    if user.is_superuser:
        return Permission.objects.all()
    return Permission.objects.filter(Q(user=user) | Q(group__user=user)).distinct()


def _beyond(user: Any) -> QuerySet[Permission]:
    return Permission.objects.exclude(pk__in=_of(user).values("pk"))


class NoMoreThanOneHas(AuditedAdmin):
    """Let nobody give what one has not, to oneself neither, nor take over who has more."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not self._is_beyond(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not self._is_beyond(request, obj)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        beyond = _beyond(request.user)
        kwargs["queryset"] = (
            Group.objects.exclude(permissions__in=beyond)
            if db_field.name == "groups"
            else _of(request.user).order_by("content_type__app_label", "content_type__model", "codename")
        )
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _is_beyond(self, request: HttpRequest, obj: Any) -> bool:
        if obj is None or request.user.is_superuser:
            return False
        if isinstance(obj, Group):
            return obj.permissions.filter(pk__in=_beyond(request.user)).exists()
        return obj.is_superuser or _of(obj).filter(pk__in=_beyond(request.user)).exists()


@admin.register(User)
class AccountAdmin(NoMoreThanOneHas, UserAdmin):
    """Django's accounts; who has lost phone and list gets in again by an action."""

    list_display = ["username", "is_active", "is_staff", "is_superuser", "last_login"]
    actions = ["take_codes"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if request.user.is_superuser else ("is_superuser",)

    @admin.action(description=_("Take one-time codes from the chosen users"), permissions=["change"])
    def take_codes(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        chosen = [user for user in queryset if self.has_change_permission(request, user) and codes.has(user)]
        for user in chosen:
            codes.switch_off(user, request.user)
        self.message_user(
            request,
            ngettext(
                "%(number)s user logs in without codes now.",
                "%(number)s users log in without codes now.",
                len(chosen),
            )
            % {"number": len(chosen)},
            messages.SUCCESS,
        )


@admin.register(Group)
class RoleAdmin(NoMoreThanOneHas, GroupAdmin):
    pass
