"""Codes with which a visitor can delete everything later, from any browser. Only a keyed hash of each is stored.

A code is 20 random characters of Crockford's base 32 (100 bits) and 4 that follow from them, so that a slip of the
pen is told from a code that nobody has.
"""

import hashlib
import secrets
import uuid

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from chat.models import Visitor
from chat.refusals import Refused

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM = 20
_CHECKED = 4
_GROUP = 4
_MEANT = str.maketrans("OIL", "011")  # what people read for a digit


def give_receipt(visitor_key: uuid.UUID) -> str:
    """Draw a code for a visitor; the one before holds no more. Raises `Refused` where nothing is stored yet."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(_RANDOM))
    visitors = Visitor.objects.filter(pk=visitor_key, deleted__isnull=True)
    if not visitors.update(receipt_hash=_keyed(body)):
        raise Refused(
            "nothing_stored", _("Nothing of yours is stored yet, so there is nothing to delete later.")
        )
    whole = body + _check(body)
    return "-".join(whole[start : start + _GROUP] for start in range(0, len(whole), _GROUP))


def hash_of(code: str) -> str:
    """Give the hash under which a code is stored, however it is written. Raises `Refused` for what is no code."""
    whole = "".join(character for character in code.upper() if character.isalnum()).translate(_MEANT)
    body, check = whole[:_RANDOM], whole[_RANDOM:]
    if len(whole) != _RANDOM + _CHECKED or check != _check(body):
        raise Refused(
            "receipt_unreadable",
            _("This is not a receipt code. It has 24 letters and digits; look for a slip."),
            "code",
            _RANDOM + _CHECKED,
        )
    return _keyed(body)


def _check(body: str) -> str:
    digest = hashlib.sha256(body.encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:_CHECKED])


def _keyed(body: str) -> str:
    return salted_hmac("mmchat.receipt", body, algorithm="sha256").hexdigest()
