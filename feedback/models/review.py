"""What moderators work on and what they decided."""

import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from chat.models import BlockedImage, BlockedVisitor, HiddenReply, Message, ModerationEvent
from feedback.models.flags import Flag


class ReviewItem(Message):
    """A reply with open flags, or a visitor's message that a check held, as the review queue shows it."""

    class Meta:
        proxy = True
        verbose_name = _("item to review")
        verbose_name_plural = _("review queue")
        default_permissions = ("view", "decide")


# Longer than anybody reads one conversation, short enough that what somebody left lying is another's the same hour.
CLAIM = datetime.timedelta(minutes=10)


class ClaimQuerySet(models.QuerySet["Claim"]):
    def in_force(self) -> "ClaimQuerySet":
        return self.filter(taken__gt=Now() - CLAIM)

    def expired(self) -> "ClaimQuerySet":
        return self.filter(taken__lte=Now() - CLAIM)


class Claim(models.Model):
    """Whose turn it is with an item of the review queue. It ends ten minutes after it was taken."""

    message = models.OneToOneField(
        Message, models.CASCADE, primary_key=True, related_name="claim", verbose_name=_("message")
    )
    moderator = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="claims", verbose_name=_("moderator")
    )
    taken = models.DateTimeField(_("taken"), help_text=_("By the database's clock."))
    page = models.UUIDField(_("page that shows it"), null=True, editable=False)

    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.message_id)[:8]


class LeftPage(models.Model):
    """A page of the queue that its moderator has left: what it still asks for while it goes claims nothing."""

    id = models.UUIDField(primary_key=True, editable=False)
    left = models.DateTimeField(_("left"), auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("left page")
        verbose_name_plural = _("left pages")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)[:8]


class ReviewQuerySet(models.QuerySet["Review"]):
    def standing(self) -> "ReviewQuerySet":
        return self.filter(undone__isnull=True)

    def skips_of(self, moderator: int | None) -> "ReviewQuerySet":
        return self.standing().filter(moderator=moderator, verdict=Review.Verdict.SKIPPED)


class Review(models.Model):
    """What one moderator did with one item of the queue, and all that must be put back to undo it."""

    class Verdict(models.TextChoices):
        UPHELD = "upheld", _("upheld")
        DISMISSED = "dismissed", _("dismissed")
        SKIPPED = "skipped", _("skipped")

    message = models.ForeignKey(Message, models.CASCADE, related_name="reviews", verbose_name=_("message"))
    moderator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="reviews",
        verbose_name=_("moderator"),
    )
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices)
    note = models.TextField(_("note"), blank=True)
    flags = models.ManyToManyField(Flag, related_name="reviews", verbose_name=_("flags"))
    events = models.ManyToManyField(
        ModerationEvent, related_name="reviews", verbose_name=_("moderation events")
    )
    hidden_reply = models.ForeignKey(
        HiddenReply, models.SET_NULL, null=True, related_name="reviews", verbose_name=_("hidden reply")
    )
    blocked_visitor = models.ForeignKey(
        BlockedVisitor, models.SET_NULL, null=True, related_name="reviews", verbose_name=_("blocked visitor")
    )
    blocked_images = models.ManyToManyField(
        BlockedImage, related_name="reviews", verbose_name=_("blocked images")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    undone = models.DateTimeField(_("undone"), null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [models.Index(fields=["moderator", "-id"], name="review_latest")]

    def __str__(self) -> str:
        return f"{self.verdict} {str(self.message_id)[:8]}"
