from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.conversations import Message


class ModerationEvent(models.Model):
    """What a check said of a visitor's message."""

    class Outcome(models.TextChoices):
        REFUSED = "refused", _("refused")
        UNAVAILABLE_REFUSED = "unavailable_refused", _("check unavailable, refused")
        UNAVAILABLE_ALLOWED = "unavailable_allowed", _("check unavailable, allowed")

    message = models.ForeignKey(
        Message, models.CASCADE, related_name="moderation_events", verbose_name=_("message")
    )
    check_name = models.CharField(_("check"), max_length=40)
    outcome = models.CharField(_("outcome"), max_length=24, choices=Outcome.choices)
    categories = models.JSONField(_("categories"), default=list, blank=True)
    scores = models.JSONField(_("scores"), default=dict, blank=True)
    detail = models.TextField(_("detail"), blank=True)
    created = models.DateTimeField(_("when"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("moderation event")
        verbose_name_plural = _("moderation events")
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.check_name} {self.outcome}"
