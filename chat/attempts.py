"""Count what strangers try at a form: in Redis over all processes where there is one, else in each process."""

import logging

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

ANSWER_SECONDS = 0.5  # a form waits no longer for a count


class Attempts:
    """Allow each stranger `most` tries in `seconds`."""

    def __init__(self, name: str, most: int, seconds: int, url: str) -> None:
        self._window = RateLimitItemPerSecond(most, seconds, namespace=name)
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._everywhere = None
        if url:
            shared = RedisStorage(
                url, key_prefix="mmchat", socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
            )
            self._everywhere = MovingWindowRateLimiter(shared)

    def allow(self, who: str) -> bool:
        """Count a try of `who`; False when it is one too many."""
        if not self._here.hit(self._window, who):
            return False
        try:
            return self._everywhere is None or self._everywhere.hit(self._window, who)
        except RedisError as error:
            log.warning("tries count per process, for Redis does not answer: %s", error)
            return True
