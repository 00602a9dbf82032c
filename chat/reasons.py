"""Why a visitor may flag a reply."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FlagReason(models.TextChoices):
    HARMFUL = "harmful", _("Harmful or unsafe")
    OFFENSIVE = "offensive", _("Offensive")
    PRIVACY = "privacy", _("Shows private data")
    FALSE = "false", _("Dangerously false")
    OTHER = "other", _("Something else")


def flag_reasons() -> list[dict[str, str]]:
    """Give the reasons as the page offers them."""
    return [{"value": reason.value, "label": str(reason.label)} for reason in FlagReason]
