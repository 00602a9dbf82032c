from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import Message, Visitor


class PreferenceQuerySet(models.QuerySet["Preference"]):
    def standing(self) -> "PreferenceQuerySet":
        """Those that their visitors have not taken back or changed."""
        return self.filter(withdrawn__isnull=True)


class Preference(models.Model):
    """A visitor found one variant better than another: one row for each variant that was left behind."""

    visitor = models.ForeignKey(
        Visitor, models.CASCADE, related_name="preferences", verbose_name=_("visitor")
    )
    question = models.ForeignKey(
        Message, models.CASCADE, related_name="preferences", verbose_name=_("question")
    )
    chosen = models.ForeignKey(
        Message, models.CASCADE, related_name="preferred", verbose_name=_("better variant")
    )
    rejected = models.ForeignKey(
        Message, models.CASCADE, related_name="outdone", verbose_name=_("other variant")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    withdrawn = models.DateTimeField(_("taken back"), null=True, blank=True)

    objects = PreferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints = [
            models.UniqueConstraint(
                fields=["visitor", "chosen", "rejected"],
                condition=models.Q(withdrawn__isnull=True),
                name="preference_stands_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(chosen=models.F("rejected")), name="preference_between_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{str(self.chosen_id)[:8]} > {str(self.rejected_id)[:8]}"
