from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.conversations import Message


class ReviewState(models.TextChoices):
    """What moderators think of what was brought before them."""

    OPEN = "open", _("open")
    UPHELD = "upheld", _("upheld")
    DISMISSED = "dismissed", _("dismissed")


class ModerationEventQuerySet(models.QuerySet["ModerationEvent"]):
    def awaiting_review(self) -> "ModerationEventQuerySet":
        """Those that held a message back and that no moderator has judged."""
        return self.filter(state=ReviewState.OPEN, outcome__in=HELD)


class ModerationEvent(models.Model):
    """What a check said of a visitor's message, and what a moderator says of that."""

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
    state = models.CharField(_("state"), max_length=10, choices=ReviewState.choices, default=ReviewState.OPEN)
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("reviewer")
    )
    reviewed = models.DateTimeField(_("reviewed"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)

    objects = ModerationEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("moderation event")
        verbose_name_plural = _("moderation events")
        ordering = ["-created"]
        indexes = [
            models.Index(
                fields=["created"],
                condition=models.Q(state="open", outcome__in=["refused", "unavailable_refused"]),
                name="moderation_awaiting_review",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_name} {self.outcome}"


# The message went to no model.
HELD = (ModerationEvent.Outcome.REFUSED, ModerationEvent.Outcome.UNAVAILABLE_REFUSED)
