import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models import Message, Visitor


class LogSource(models.TextChoices):
    """Which program wrote a log."""

    LLAVA = "llava", "LLaVA, InternVL"
    FASTCHAT = "fastchat", "FastChat"
    STREAMLIT = "streamlit", "InternVL Streamlit"


class LogShape(models.Model):
    """What many lines of a log have in common: their fields in order, and what the model's template says in each.

    JSON, as text so that the order stays. Null stands where a line has something of its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    text = models.TextField(_("line"))

    class Meta:
        verbose_name = _("shape of log lines")
        verbose_name_plural = _("shapes of log lines")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return str(self.pk)[:8]


class LogLine(models.Model):
    """One line of another server's log: what it says beyond the messages, votes and flags that came of it.

    A reply that lines only told as an earlier turn has a row too, without `kind` and shape, so that its own line
    finds it.
    """

    id = models.UUIDField(
        primary_key=True,
        default=uuid.uuid4,
        editable=False,
        help_text=_("Follows from the whole line, so that the same line never comes twice."),
    )
    source = models.CharField(_("written by"), max_length=20, choices=LogSource.choices)
    kind = models.CharField(_("type"), max_length=20, blank=True)
    message = models.ForeignKey(
        Message, models.CASCADE, related_name="log_lines", verbose_name=_("reply that it ends with")
    )
    other = models.ForeignKey(
        Message,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("the other reply"),
        help_text=_("Of a battle: what the right side ends with."),
    )
    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="log_lines", verbose_name=_("visitor"))
    shape = models.ForeignKey(
        LogShape, models.PROTECT, null=True, blank=True, db_index=False, verbose_name=_("shape")
    )
    tstamp = models.FloatField("tstamp", null=True, blank=True)
    start = models.FloatField("start", null=True, blank=True)
    finish = models.FloatField("finish", null=True, blank=True)
    rest = models.TextField(
        _("rest"), blank=True, help_text=_("JSON: fields that stand nowhere else, as they were.")
    )
    when = models.DateTimeField(_("when"), help_text=_("`tstamp`, or the day of a log without times."))
    # How later lines find the reply: see feedback/imports/places.py
    question = models.UUIDField(null=True, blank=True, editable=False)
    chain = models.UUIDField(null=True, blank=True, editable=False)
    pictures = models.UUIDField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("log line")
        verbose_name_plural = _("log lines")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["when", "id"], name="log_line_when"),
            models.Index(fields=["question"], name="log_line_question"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {str(self.pk)[:8]}"
