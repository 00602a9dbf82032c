from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import ChatModel, ReplyState


class Hour(models.Model):
    """An hour that is over and was counted, once and for all; what was removed later still counts."""

    start = models.DateTimeField(_("begins"), primary_key=True)
    conversations = models.PositiveIntegerField(_("conversations"), help_text=_("That began in it."))

    class Meta:
        verbose_name = _("hour")
        verbose_name_plural = _("hours")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M}"


class HourOfReplies(models.Model):
    """The replies of one model that ended in an hour in one way."""

    hour = models.ForeignKey(
        Hour, models.CASCADE, related_name="replies_of_models", db_index=False, verbose_name=_("hour")
    )
    model = models.ForeignKey(
        ChatModel, models.SET_NULL, null=True, related_name="+", verbose_name=_("model")
    )
    state = models.CharField(_("state"), max_length=12, choices=ReplyState.choices)
    error_code = models.CharField(_("error"), max_length=40, blank=True)
    replies = models.PositiveIntegerField(_("replies"), default=0)
    first_tokens = models.JSONField(
        _("times to the first token"),
        default=dict,
        help_text=_("Number of replies by class of time, see feedback/dashboard/times.py."),
    )
    tokens = models.PositiveBigIntegerField(_("tokens"), default=0, help_text=_("Where workers count them."))
    token_milliseconds = models.PositiveBigIntegerField(_("milliseconds for the tokens"), default=0)
    characters = models.PositiveBigIntegerField(
        _("characters"), default=0, help_text=_("Of replies whose tokens nobody counted.")
    )
    character_milliseconds = models.PositiveBigIntegerField(_("milliseconds for the characters"), default=0)

    class Meta:
        verbose_name = _("hour of replies")
        verbose_name_plural = _("hours of replies")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "model", "state", "error_code"], name="hour_of_replies_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hour_id} {self.model_id} {self.state}"
