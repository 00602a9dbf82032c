from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

# As in MMCHAT_EMBED_ORIGINS: it becomes part of a header, so nothing else may be in it.
ORIGIN = r"^https?://([a-z0-9.*-]+|\[[0-9a-f:]+\])(:\d+)?\Z"


class EmbeddingSite(models.Model):
    """A site whose pages may show `/embed/` in a frame, beside those of `MMCHAT_EMBED_ORIGINS`."""

    origin = models.CharField(
        _("origin"),
        max_length=200,
        unique=True,
        validators=[RegexValidator(ORIGIN, _("An origin is like https://www.example.org, without a path."))],
        help_text=_(
            "Like https://www.example.org; https://*.example.org stands for all names below that one."
        ),
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("embedding site")
        verbose_name_plural = _("embedding sites")
        ordering = ["origin"]

    def __str__(self) -> str:
        return self.origin
