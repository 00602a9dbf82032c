"""What moderators take away, each with a reason and until when."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RestrictionQuerySet(models.QuerySet):
    def in_force(self) -> "RestrictionQuerySet":
        """Those that hold at this moment: no job has to end the ones whose time is over."""
        return self.filter(models.Q(until__isnull=True) | models.Q(until__gt=Now()), lifted__isnull=True)


class Restriction(models.Model):
    """Who took something away, why and until when. Rows end by the clock or by being lifted; none is deleted.

    Several may hold at once, so that lifting one leaves what another moderator decided.
    """

    reason = models.TextField(_("reason"))
    until = models.DateTimeField(
        _("until"), null=True, blank=True, db_index=True, help_text=_("Empty: for good.")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by"),
    )
    lifted = models.DateTimeField(_("lifted"), null=True, blank=True)
    lifter = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("lifted by"),
    )

    objects = RestrictionQuerySet.as_manager()

    class Meta:
        abstract = True

    @property
    def holds(self) -> bool:
        """Tell whether this one is in force, by this process's clock."""
        return self.lifted is None and (self.until is None or self.until > timezone.now())
