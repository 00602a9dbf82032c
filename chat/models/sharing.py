import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.conversations import Conversation, Message
from chat.models.visitors import BlockedVisitor


class SharedLinkQuerySet(models.QuerySet["SharedLink"]):
    def standing(self) -> "SharedLinkQuerySet":
        """Those that nobody has taken back."""
        return self.filter(revoked__isnull=True)

    def public(self) -> "SharedLinkQuerySet":
        """Those that show something now: not of deleted conversations, nor of visitors who are blocked."""
        blocks = BlockedVisitor.objects.in_force().filter(visitor=models.OuterRef("conversation__visitor"))
        return self.standing().filter(~models.Exists(blocks), conversation__deleted__isnull=True)


class SharedLink(models.Model):
    """A visitor's public link to a conversation as far as one of its replies; at most one stands at a time."""

    key = models.UUIDField(_("key"), default=uuid.uuid4, unique=True, editable=False)
    conversation = models.ForeignKey(
        Conversation, models.CASCADE, related_name="links", verbose_name=_("conversation")
    )
    last = models.ForeignKey(
        Message, models.CASCADE, related_name="+", verbose_name=_("shown up to"), help_text=_("A reply.")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    changed = models.DateTimeField(
        _("last changed"), default=timezone.now, help_text=_("When its visitor last said how far it shows.")
    )
    revoked = models.DateTimeField(_("taken back"), null=True, blank=True)
    revoker = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("taken back by"),
        help_text=_("Empty: by its visitor."),
    )
    by_staff = models.BooleanField(
        _("taken back by staff"), default=False, help_text=_("Its conversation can't be shared again.")
    )

    objects = SharedLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("shared link")
        verbose_name_plural = _("shared links")
        ordering = ["-created"]
        default_permissions = ("view", "revoke")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=models.Q(revoked__isnull=True), name="one_link_stands"
            ),
        ]

    def __str__(self) -> str:
        return str(self.key)[:8]
