"""How much visitors may do: rules that administrators change while the site runs."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

MOST, LONGEST = 1_000_000_000, 31 * 24 * 3600


class Counted(models.TextChoices):
    """What a rule counts."""

    HANDSHAKES = "handshakes", _("connections begun")
    SOCKETS = "sockets", _("open pages at once")
    FRAMES = "frames", _("frames sent to the socket")
    MESSAGES = "messages", _("messages, regenerated and continued replies")
    REPLIES = "replies", _("replies at once, those in line included")
    IMAGES = "images", _("images sent")
    MEGABYTES = "megabytes", _("megabytes of images sent")
    DESCRIPTIONS = "descriptions", _("descriptions of images")
    SENT_IMAGES = "sent_images", _("images looked at as models are sent them")
    OPINIONS = "opinions", _("votes, preferences and flags")
    SEARCHES = "searches", _("searches of the history")
    INSPECTIONS = "inspections", _("looks at what a model saw")
    LINKS = "links", _("shared links made or moved")
    RECEIPTS = "receipts", _("tries with receipt codes")
    API = "api", _("requests of the API")


class CountedBy(models.TextChoices):
    """Whose doings a rule adds up."""

    VISITOR = "visitor", _("visitor")
    ADDRESS = "address", _("address")
    TOKEN = "token", _("token of the API")


AT_ONCE = {Counted.SOCKETS, Counted.REPLIES}
# A receipt code is typed by a browser that has nothing of its visitor's, and programs are no visitors.
_ONLY_BY = {Counted.RECEIPTS: {CountedBy.ADDRESS}, Counted.API: {CountedBy.TOKEN}}
_OTHERS = {CountedBy.VISITOR, CountedBy.ADDRESS}


class LimitRule(models.Model):
    """So much of something in so many seconds, or at once, for each visitor or each address."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    counted = models.CharField(_("what is counted"), max_length=20, choices=Counted)
    by = models.CharField(
        _("for each"),
        max_length=10,
        choices=CountedBy,
        help_text=_("An address is one IPv4 address or an IPv6 /64; a school may have one for everybody."),
    )
    amount = models.PositiveIntegerField(
        _("at most"), validators=[MinValueValidator(1), MaxValueValidator(MOST)]
    )
    seconds = models.PositiveIntegerField(
        _("in seconds"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST)],
        help_text=_("Empty for what is counted at once."),
    )
    enabled = models.BooleanField(_("in force"), default=True)

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering = ["counted", "by", "seconds"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        wrong = {}
        if self.by and self.counted and self.by not in _ONLY_BY.get(Counted(self.counted), _OTHERS):
            wrong["by"] = _("This can't be counted so: tries with receipt codes are by address, requests "
                            "of the API by token, and everything else by visitor or address.")  # fmt: skip
        if self.counted and (self.counted in AT_ONCE) == bool(self.seconds):
            wrong["seconds"] = (
                _("What is counted at once has no seconds; leave this empty.")
                if self.seconds
                else _("Say in how many seconds.")
            )
        if wrong:
            raise ValidationError(wrong)
