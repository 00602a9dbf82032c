from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class VoteReasonQuerySet(models.QuerySet["VoteReason"]):
    def offered(self) -> "VoteReasonQuerySet":
        """Those that visitors may give, in their order, with their labels."""
        return self.filter(enabled=True).prefetch_related("labels")


class VoteReason(models.Model):
    """A tag that a visitor may put on a vote. Votes hold its key, so that never changes."""

    class AppliesTo(models.TextChoices):
        UP = "up", _("upvotes")
        DOWN = "down", _("downvotes")
        BOTH = "both", _("both")

    key = models.CharField(
        _("key"),
        max_length=40,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9_]*$", _("Small letters, digits and underscores, a letter first."))
        ],
        help_text=_("What votes and exports hold; it can't be changed later."),
    )
    label = models.CharField(
        _("label"), max_length=60, help_text=_("In languages without one of their own, too.")
    )
    applies_to = models.CharField(
        _("applies to"), max_length=4, choices=AppliesTo.choices, default=AppliesTo.DOWN
    )
    position = models.IntegerField(_("position"), default=0)
    enabled = models.BooleanField(_("enabled"), default=True)

    objects = VoteReasonQuerySet.as_manager()

    class Meta:
        verbose_name = _("reason for votes")
        verbose_name_plural = _("reasons for votes")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.label

    def may_go_with(self, value: str) -> bool:
        return self.applies_to in (value, self.AppliesTo.BOTH)

    def words(self) -> str:
        """Give the label in the language that is active."""
        own = {label.language: label.text for label in self.labels.all()}
        return own.get(get_language() or "", self.label)


def language_choices() -> list[tuple[str, str]]:
    return [(code, str(name)) for code, name in settings.LANGUAGES]


class VoteReasonLabel(models.Model):
    """A reason's label in one language of the page."""

    reason = models.ForeignKey(VoteReason, models.CASCADE, related_name="labels", verbose_name=_("reason"))
    language = models.CharField(_("language"), max_length=20, choices=language_choices)
    text = models.CharField(_("label"), max_length=60)

    class Meta:
        verbose_name = _("label in a language")
        verbose_name_plural = _("labels in languages")
        constraints = [models.UniqueConstraint(fields=["reason", "language"], name="vote_reason_label_once")]

    def __str__(self) -> str:
        return self.text
