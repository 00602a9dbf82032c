from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEntryChanged(Exception):
    """Something tried to change or delete what the audit log holds."""


def _refuse(*args: object, **kwargs: object) -> NoReturn:
    raise AuditEntryChanged("entries of the audit log are added and never changed")


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    update = delete = bulk_update = update_or_create = _refuse


class AuditEntry(models.Model):
    """One thing a person of the staff did: who, what, to what. Rows are added and never changed."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, verbose_name=_("who")
    )
    action = models.CharField(_("action"), max_length=40)
    target = models.CharField(_("target"), max_length=200, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    created = models.DateTimeField(_("when"), auto_now_add=True, db_index=True)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return f"{self.action} {self.target}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the entry. Raises `AuditEntryChanged` for one that is stored already."""
        if not self._state.adding:
            _refuse()
        # Not an entry that takes the number of a stored one.
        super().save(*args, **{**kwargs, "force_insert": True})

    delete = _refuse
