from django.db import models
from django.utils.translation import gettext_lazy as _


class LogInTries(models.Model):
    """Log-ins of staff that failed, or have not ended yet, from one address or with one name. Go after minutes."""

    who = models.CharField(
        _("who"), max_length=64, unique=True
    )  # a keyed hash: neither addresses nor names are kept
    tries = models.PositiveIntegerField(_("tries"), default=0)
    last = models.DateTimeField(_("last try that counted"), db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = _("failed log-ins")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.who[:12]} {self.tries}"
