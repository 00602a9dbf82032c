"""Visitors' addresses as hashes whose key changes every so many days and is then forgotten.

Within a period the same address has the same hash. When the key is gone, nobody can find the hash of an address, not
even who has the database and the site's secret key; the hashes themselves go then, too.
"""

import datetime
import hashlib
import hmac
import secrets

from django.conf import settings
from django.utils import timezone

from chat.addresses import Address, keyed_hash
from chat.models import AddressKey, Visitor

DAY_SECONDS = 24 * 3600


def note(visitor: Visitor, address: Address | None) -> None:
    """Put the address of a visitor into the row, as a hash or as it is, whatever the host keeps; does not save it."""
    visitor.address_hash = hash_of(address)
    visitor.address = str(address) if address and settings.MMCHAT_STORE_ADDRESSES else None
    visitor.address_noted = timezone.now() if address else None


def is_noted(visitor: Visitor) -> bool:
    """Tell whether the row has the address that the visitor came from in this period, or ever where none goes."""
    if visitor.address_noted is None:
        return False
    return not settings.MMCHAT_KEEP_ADDRESSES_DAYS or _period(visitor.address_noted) == _period(
        timezone.now()
    )


def hash_of(address: Address | None) -> str:
    """Hash an address with the key of this period, made when it is first needed; 64 hexadecimal digits, or empty."""
    if address is None or not settings.MMCHAT_KEEP_ADDRESSES_DAYS:
        return keyed_hash(address)
    row, _ = AddressKey.objects.get_or_create(
        period=_period(timezone.now()), defaults={"key": secrets.token_hex(32)}
    )
    return hmac.new(bytes.fromhex(row.key), str(address).encode(), hashlib.sha256).hexdigest()


def forget() -> int:
    """Remove keys of earlier periods, and addresses and hashes that are too old; give of how many visitors.

    Where addresses are no longer kept, those from before go as well: visitors are told that there are none.
    """
    if not settings.MMCHAT_STORE_ADDRESSES:
        Visitor.objects.filter(address__isnull=False).update(address=None)
    days = settings.MMCHAT_KEEP_ADDRESSES_DAYS
    if not days:
        return 0
    now = timezone.now()
    AddressKey.objects.exclude(period=_period(now)).delete()
    old = Visitor.objects.filter(address_noted__lt=now - datetime.timedelta(days=days))
    return old.update(address=None, address_hash="", address_noted=None)


def _period(moment: datetime.datetime) -> int:
    return int(moment.timestamp()) // (settings.MMCHAT_KEEP_ADDRESSES_DAYS * DAY_SECONDS)
