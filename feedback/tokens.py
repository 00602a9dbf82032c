"""Tokens of the API: made once, known by their hash, limited in requests, revoked."""

import datetime
import hashlib
import secrets

from django.db import transaction
from django.utils import timezone

from chat.limits.counting import count_token
from chat.models import AuditEntry
from feedback.models import ApiToken

PREFIX = "mmchat_"
SHOWN_CHARACTERS = len(PREFIX) + 6
USED_STEP = datetime.timedelta(minutes=1)  # `used` is written no more often


def make(token: ApiToken) -> str:
    """Store a new token, with an audit entry; give its text, which nobody can find out again."""
    text = PREFIX + secrets.token_urlsafe(32)
    token.beginning, token.hash = text[:SHOWN_CHARACTERS], _hash(text)
    with transaction.atomic():
        token.save(force_insert=True)
        _audit(token, "token_create", token.creator_id, {"name": token.name, "scopes": token.scopes})
    return text


def revoke(token: ApiToken, user: int | None) -> bool:
    """End a token for good; False where it had ended."""
    with transaction.atomic():
        if not ApiToken.objects.filter(pk=token.pk, revoked__isnull=True).update(revoked=timezone.now()):
            return False
        _audit(token, "token_revoke", user, {"name": token.name})
    return True


def find(text: str) -> ApiToken | None:
    """Give the token with this text if it may be used, and count the request. Raises `Refused` for too many."""
    # By its hash: how long the comparison takes tells nothing of the text.
    token = ApiToken.objects.usable().select_related("creator").filter(hash=_hash(text)).first()
    if token is None:
        return None
    count_token(token.pk)
    now = timezone.now()
    if token.used is None or now - token.used > USED_STEP:
        ApiToken.objects.filter(pk=token.pk).update(used=now)
    return token


def _hash(text: str) -> str:
    # Of 256 random bits, so a fast hash without salt is enough.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _audit(token: ApiToken, action: str, user: int | None, detail: dict[str, object]) -> None:
    AuditEntry.objects.create(actor_id=user, action=action, target=f"token {token.pk}", detail=detail)
