from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models import ChatModel, Message, Visitor


class VoteQuerySet(models.QuerySet["Vote"]):
    def over_variants(self) -> "VoteQuerySet":
        """Upvotes beside a downvote of the same visitor on another variant, one row for each such variant.

        Each has `rejected_id`, the variant that was voted down.
        """
        other = "message__parent__children__votes"
        return self.filter(
            **{
                "value": Vote.Value.UP,
                f"{other}__value": Vote.Value.DOWN,
                f"{other}__visitor": models.F("visitor"),
            }
        ).annotate(rejected_id=models.F(f"{other}__message"))


class Vote(models.Model):
    """One visitor's opinion of one reply. Changing it keeps what it was in `VoteChange`."""

    class Value(models.TextChoices):
        UP = "up", _("up")
        DOWN = "down", _("down")

    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="votes", verbose_name=_("visitor"))
    message = models.ForeignKey(Message, models.CASCADE, related_name="votes", verbose_name=_("reply"))
    model = models.ForeignKey(
        ChatModel,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="votes",
        verbose_name=_("model"),
        help_text=_("That of the reply, so that votes can be counted without reading replies."),
    )
    value = models.CharField(_("vote"), max_length=4, choices=Value.choices)
    reasons = models.JSONField(_("reasons"), default=list, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    boxes = models.JSONField(
        _("boxes"),
        default=list,
        blank=True,
        help_text=_(
            "Where on its images the reply is right or wrong: upload, x, y, width, height, in pixels."
        ),
    )
    created = models.DateTimeField(_("created"), default=timezone.now, editable=False, db_index=True)
    changed = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    objects = VoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("vote")
        verbose_name_plural = _("votes")
        constraints = [models.UniqueConstraint(fields=["visitor", "message"], name="vote_once")]
        indexes = [models.Index(fields=["created", "model", "value"], name="vote_rates")]

    def __str__(self) -> str:
        return f"{self.value} {str(self.message_id)[:8]}"

    def says_the_same_as(self, other: "Vote") -> bool:
        return (self.value, self.reasons, self.comment, self.boxes) == (
            other.value,
            other.reasons,
            other.comment,
            other.boxes,
        )

    def says_more_than(self, other: "Vote") -> bool:
        """Tell whether something of this vote is not in `other`, and would be lost with it."""
        return (
            self.value != other.value
            or self.comment not in ("", other.comment)
            or any(reason not in other.reasons for reason in self.reasons)
            or any(box not in other.boxes for box in self.boxes)
        )


class VoteChange(models.Model):
    """A vote as it was before the visitor changed or withdrew it."""

    visitor = models.ForeignKey(
        Visitor, models.CASCADE, related_name="vote_changes", verbose_name=_("visitor")
    )
    message = models.ForeignKey(Message, models.CASCADE, related_name="vote_changes", verbose_name=_("reply"))
    value = models.CharField(_("vote was"), max_length=4, choices=Vote.Value.choices)
    reasons = models.JSONField(_("reasons were"), default=list, blank=True)
    comment = models.TextField(_("comment was"), blank=True)
    boxes = models.JSONField(_("boxes were"), default=list, blank=True)
    voted = models.DateTimeField(_("had voted"))
    created = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("changed vote")
        verbose_name_plural = _("changed votes")

    def __str__(self) -> str:
        return f"{self.value} {str(self.message_id)[:8]}"
