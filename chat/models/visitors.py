import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from chat.models.restrictions import Restriction


class VisitorQuerySet(models.QuerySet["Visitor"]):
    def with_blocked(self) -> "VisitorQuerySet":
        """Tell of each visitor, as `is_blocked`, whether a moderator's block holds now."""
        blocks = BlockedVisitor.objects.in_force().filter(visitor=models.OuterRef("pk"))
        return self.annotate(is_blocked=models.Exists(blocks))

    def blocked(self) -> "VisitorQuerySet":
        return self.with_blocked().filter(is_blocked=True)  # type: ignore[misc]  # the plugin loses annotations


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
    address_noted = models.DateTimeField(_("address noted"), null=True, blank=True, db_index=True)
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
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    deleted = models.DateTimeField(
        _("deleted"), null=True, blank=True, db_index=True, help_text=_("When “Delete everything” was used.")
    )

    is_blocked: bool  # set by `with_blocked`
    objects = VisitorQuerySet.as_manager()

    class Meta:
        verbose_name = _("visitor")
        verbose_name_plural = _("visitors")
        permissions = [("view_address", _("Can see visitors' addresses and their hashes"))]

    def __str__(self) -> str:
        return str(self.key)[:8]


class BlockedVisitor(Restriction):
    """A visitor who may not send, vote or flag, and whose open pages are closed."""

    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="blocks", verbose_name=_("visitor"))

    class Meta:
        verbose_name = _("blocked visitor")
        verbose_name_plural = _("blocked visitors")

    def __str__(self) -> str:
        return str(self.visitor_id)[:8]


class AddressKey(models.Model):
    """The key of the addresses' hashes for some days; once it is gone, nobody can tell an address from its hash."""

    period = models.PositiveIntegerField(_("period"), unique=True)  # the how manieth of its length since 1970
    key = models.CharField(_("key"), max_length=64)

    class Meta:
        verbose_name = _("key of address hashes")
        verbose_name_plural = _("keys of address hashes")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.period)
