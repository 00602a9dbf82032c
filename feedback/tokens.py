"""Tokens of the API: made once, known by their hash, limited in requests, revoked."""

import datetime
import hashlib
import logging
import secrets
import time
import uuid
from functools import cache

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import RedisError

from chat.models import AuditEntry
from chat.refusals import Refused
from feedback.models import ApiToken

log = logging.getLogger(__name__)

PREFIX = "mmchat_"
SHOWN_CHARACTERS = len(PREFIX) + 6
ANSWER_SECONDS = 0.5
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
    _count(token.pk)
    now = timezone.now()
    if token.used is None or now - token.used > USED_STEP:
        ApiToken.objects.filter(pk=token.pk).update(used=now)
    return token


def _hash(text: str) -> str:
    # Of 256 random bits, so a fast hash without salt is enough.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _audit(token: ApiToken, action: str, user: int | None, detail: dict[str, object]) -> None:
    AuditEntry.objects.create(actor_id=user, action=action, target=f"token {token.pk}", detail=detail)


@cache
def _everywhere() -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(
        RedisStorage(
            settings.REDIS_URL,
            key_prefix="mmchat",
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
        )
        if settings.REDIS_URL
        else MemoryStorage()
    )


_here = SlidingWindowCounterRateLimiter(MemoryStorage())


def _count(token: uuid.UUID) -> None:
    if not settings.MMCHAT_LIMITS:
        return
    window = RateLimitItemPerMinute(settings.MMCHAT_API_REQUESTS, namespace="api")
    try:
        _hit(_everywhere(), window, token)
    except RedisError as error:
        log.warning("requests of the API are counted per process, for Redis does not answer: %s", error)
        _hit(_here, window, token)


def _hit(limiter: SlidingWindowCounterRateLimiter, window: RateLimitItemPerMinute, token: uuid.UUID) -> None:
    if not limiter.hit(window, str(token)):
        reset = limiter.get_window_stats(window, str(token)).reset_time
        raise TooMany(max(1, round(reset - time.time())))


class TooMany(Refused):
    """A token has been used too often; `seconds` is when it may be used again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(
            code="too_many_requests",
            text=_("Too many requests; wait %(seconds)s seconds.") % {"seconds": seconds},
            limit=settings.MMCHAT_API_REQUESTS,
        )
        self.seconds = seconds
