import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ExportState(models.TextChoices):
    """waiting → running → one of the final ones; each step is one conditional UPDATE."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    COMPLETE = "complete", _("complete")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


UNFINISHED = (ExportState.WAITING, ExportState.RUNNING)


class ExportQuerySet(models.QuerySet["Export"]):
    def unfinished(self) -> "ExportQuerySet":
        return self.filter(state__in=UNFINISHED)

    def owned_by(self, owner: uuid.UUID) -> "ExportQuerySet":
        """Those that this process still has; another one may have taken them over."""
        return self.filter(owner=owner, state=ExportState.RUNNING)


class Export(models.Model):
    """An export that a process of the site makes in the background, and its file until it is removed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("asked for by")
    )
    format = models.CharField(_("format"), max_length=20)
    choice = models.JSONField(_("filters"), default=dict)
    state = models.CharField(
        _("state"), max_length=10, choices=ExportState.choices, default=ExportState.WAITING
    )
    error = models.TextField(_("error"), blank=True)
    error_code = models.CharField(_("error code"), max_length=40, blank=True)
    owner = models.UUIDField(_("owning process"), null=True, blank=True, editable=False)
    heartbeat = models.PositiveBigIntegerField(_("heartbeat"), default=0, editable=False)
    attempts = models.PositiveSmallIntegerField(
        _("attempts"), default=0, help_text=_("Processes that began it, but for those that the site ended.")
    )
    done = models.PositiveBigIntegerField(_("records so far"), default=0)
    total = models.PositiveBigIntegerField(_("records in all"), default=0)
    entries = models.PositiveBigIntegerField(_("entries"), null=True, blank=True)
    bytes = models.PositiveBigIntegerField(_("bytes"), null=True, blank=True)
    file = models.FileField(_("file"), upload_to="exports/", max_length=200, blank=True)
    created = models.DateTimeField(_("asked for at"), auto_now_add=True, db_index=True)
    finished = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-created"]
        default_permissions = ("add", "view")
        indexes = [
            models.Index(
                fields=["created"],
                condition=models.Q(state__in=["waiting", "running"]),
                name="export_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.format} {str(self.pk)[:8]}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED

    @property
    def has_addresses(self) -> bool:
        return bool(self.choice.get("addresses"))

    @property
    def percent(self) -> int:
        """How much is done, from 0 to 100."""
        return min(100, 100 * self.done // self.total) if self.total else 0

    def may_be_taken_by(self, user: object) -> bool:
        """Tell whether somebody who may see exports may have this one's file: one with addresses needs more."""
        return not self.has_addresses or user.has_perm("chat.view_address")  # type: ignore[attr-defined]  # a user
