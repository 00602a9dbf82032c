from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.conversations import Message, ReplyState


class ReviewState(models.TextChoices):
    """What moderators think of what was brought before them."""

    OPEN = "open", _("open")
    UPHELD = "upheld", _("upheld")
    DISMISSED = "dismissed", _("dismissed")


class ModerationEventQuerySet(models.QuerySet["ModerationEvent"]):
    def awaiting_review(self) -> "ModerationEventQuerySet":
        """Those that keep a message or a reply back and that no moderator has judged."""
        return self.keeping_back().filter(state=ReviewState.OPEN)

    def keeping_back(self) -> "ModerationEventQuerySet":
        """Those for which a message went to no model, or a reply is not shown, unless a moderator dismissed them."""
        return self.filter(outcome__in=HELD, dry_run=False)


class Stage(models.TextChoices):
    """When a check looks: at a message before a model is asked, or at a reply when it has ended."""

    MESSAGE = "message", _("message")
    REPLY = "reply", _("reply")


class ModerationEvent(models.Model):
    """What a check said of a visitor's message or of a reply, and what a moderator says of that."""

    class Outcome(models.TextChoices):
        ALLOWED = "allowed", _("allowed")
        WARNED = "warned", _("warned")
        HELD = "held", _("held for review")
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
    stage = models.CharField(
        _("what was checked"),
        max_length=10,
        choices=Stage.choices,
        default=Stage.MESSAGE,
        db_default="message",
    )
    dry_run = models.BooleanField(_("dry run"), default=False, db_default=False)
    seconds = models.FloatField(_("seconds"), null=True, blank=True)
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
                condition=models.Q(
                    state="open", dry_run=False, outcome__in=["held", "refused", "unavailable_refused"]
                ),
                name="moderation_awaiting_review",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_name} {self.outcome}"


class WithheldReply(models.Model):
    """What a reply said that a check keeps back, and how it had ended. Its message has no text meanwhile.

    Kept apart, so that nothing that reads messages can show it by mistake.
    """

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="withheld", verbose_name=_("reply")
    )
    text = models.TextField(_("text"))
    state = models.CharField(_("state"), max_length=12, choices=ReplyState.choices)
    error_code = models.CharField(_("error"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("withheld reply")
        verbose_name_plural = _("withheld replies")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.message_id)[:8]


# The message went to no model, or the reply is not shown.
HELD = (
    ModerationEvent.Outcome.HELD,
    ModerationEvent.Outcome.REFUSED,
    ModerationEvent.Outcome.UNAVAILABLE_REFUSED,
)
