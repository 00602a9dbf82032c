import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """What a token lets a program do, as far as whoever made it may do it."""

    CONVERSATIONS = "read:conversations", _("read conversations")
    VOTES = "read:votes", _("read votes")
    FLAGS = "read:flags", _("read flags")
    EXPORT = "export", _("ask for exports and fetch them")
    ADDRESSES = "addresses", _("addresses of visitors in exports")


PERMISSIONS = {
    Scope.CONVERSATIONS: "chat.view_conversation",
    Scope.VOTES: "feedback.view_vote",
    Scope.FLAGS: "feedback.view_flag",
    Scope.EXPORT: "feedback.add_export",
    Scope.ADDRESSES: "chat.view_address",
}


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self) -> "ApiTokenQuerySet":
        """Those that are not revoked or over, and whose makers may still log in."""
        lasting = models.Q(expires__isnull=True) | models.Q(expires__gt=timezone.now())
        return self.filter(lasting, revoked__isnull=True, creator__is_active=True, creator__is_staff=True)


class ApiToken(models.Model):
    """What a program calls the API with. Only its hash is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100, help_text=_("Who or what uses it."))
    scopes = models.JSONField(_("scopes"), default=list)
    beginning = models.CharField(_("begins with"), max_length=16, editable=False)
    hash = models.CharField(_("hash"), max_length=64, unique=True, editable=False)
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, editable=False, verbose_name=_("made by")
    )
    created = models.DateTimeField(_("made"), auto_now_add=True)
    expires = models.DateTimeField(
        _("valid until"), null=True, blank=True, help_text=_("Empty: until revoked.")
    )
    used = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    revoked = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created"]
        default_permissions = ("add", "view")

    def __str__(self) -> str:
        return self.name

    def may(self, scope: Scope) -> bool:
        """Tell whether it has a scope that its maker still may give."""
        return scope in self.scopes and self.creator.has_perm(PERMISSIONS[scope])
