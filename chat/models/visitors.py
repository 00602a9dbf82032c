import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class Visitor(models.Model):
    """Someone who chats, known by the random key in a signed cookie and by nothing else."""

    key = models.UUIDField(_("key"), primary_key=True, default=uuid.uuid4, editable=False)
    address_hash = models.CharField(
        _("address hash"),
        max_length=64,
        blank=True,
        db_index=True,
        help_text=_("Keyed hash of the IP address."),
    )
    address = models.GenericIPAddressField(
        _("address"), null=True, blank=True, help_text=_("Kept only where MMCHAT_STORE_ADDRESSES is on.")
    )
    terms_version = models.CharField(_("terms accepted"), max_length=40, blank=True)
    terms_accepted = models.DateTimeField(_("terms accepted at"), null=True, blank=True)
    research = models.BooleanField(
        _("allows research"), null=True, blank=True, help_text=_("Empty: never touched the switch.")
    )
    research_changed = models.DateTimeField(_("switch last used"), null=True, blank=True)
    receipt_hash = models.CharField(
        _("receipt"),
        max_length=64,
        null=True,
        blank=True,
        unique=True,
        editable=False,
        help_text=_("Keyed hash of the code with which everything can be deleted from any browser."),
    )
    blocked = models.BooleanField(_("blocked"), default=False)
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    deleted = models.DateTimeField(
        _("deleted"), null=True, blank=True, db_index=True, help_text=_("When “Delete everything” was used.")
    )

    class Meta:
        verbose_name = _("visitor")
        verbose_name_plural = _("visitors")

    def __str__(self) -> str:
        return str(self.key)[:8]
