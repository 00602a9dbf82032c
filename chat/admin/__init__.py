"""The administrators' pages for everything in `chat`, one module per concept."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin import (
    audit,
    conversations,
    images,
    moderation,
    registry,
    restrictions,
    running,
    site,
    visitors,
)

__all__ = [
    "audit",
    "conversations",
    "images",
    "moderation",
    "registry",
    "restrictions",
    "running",
    "site",
    "visitors",
]

admin.site.site_header = admin.site.site_title = _("mmchat administration")
admin.site.index_title = _("Everything that is stored")
