from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models import Message, ReviewState, Visitor
from chat.reasons import FlagReason


class FlagQuerySet(models.QuerySet["Flag"]):
    def awaiting_review(self) -> "FlagQuerySet":
        return self.filter(state=Flag.State.OPEN)


class Flag(models.Model):
    """A visitor's complaint about a reply, until a moderator decides on it."""

    State = ReviewState
    Reason = FlagReason

    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="flags", verbose_name=_("visitor"))
    message = models.ForeignKey(Message, models.CASCADE, related_name="flags", verbose_name=_("reply"))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    comment = models.TextField(_("comment"), blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.OPEN, db_index=True
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("reviewer")
    )
    reviewed = models.DateTimeField(_("reviewed"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False, db_index=True)

    objects = FlagQuerySet.as_manager()

    class Meta:
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        constraints = [models.UniqueConstraint(fields=["visitor", "message"], name="flag_once")]
        indexes = [
            models.Index(fields=["created"], condition=models.Q(state="open"), name="flag_awaiting_review"),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} {str(self.message_id)[:8]}"
