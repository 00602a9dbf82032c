"""Circuit breakers: a worker that fails again and again gets no replies while another one can take them."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from chat.workers.errors import (
    NOT_REACHED,
    WorkerAddressForbidden,
    WorkerBadCertificate,
    WorkerBusy,
    WorkerError,
    WorkerKeyMissing,
    WorkerUnauthorised,
)

FAILURES_TO_OPEN = 3  # in a row; one is enough when nothing could be asked at all
OPEN_SECONDS = 10.0  # doubles with each failed trial
MOST_OPEN_SECONDS = 300.0
_ONE_IS_ENOUGH = (WorkerAddressForbidden, WorkerBadCertificate, WorkerKeyMissing, WorkerUnauthorised)


class BreakerState(StrEnum):
    CLOSED = "closed"  # takes replies
    OPEN = "open"  # takes none
    HALF_OPEN = "half_open"  # has one reply on trial


@dataclass
class Breaker:
    """What is known of a worker that has failed since it last completed a reply."""

    address: str
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    pause: float = OPEN_SECONDS
    until: float = 0.0  # on the breakers' clock
    error: WorkerError | None = None


class Breakers:
    """Keep a breaker for each worker that fails; one without is closed.

    The state is this process's own, by a clock that nobody sets; `changed` is told of each step, and of the
    end, when `failures` is 0 again.
    """

    def __init__(
        self, changed: Callable[[Breaker], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._changed = changed
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}

    def usable(self, addresses: Collection[str]) -> set[str]:
        """Give the addresses that may be asked now: all of them when every breaker is open.

        Nothing is gained by failing without a try, and a visitor whose prompt makes workers fail must not
        be able to close the site to everybody.
        """
        return {address for address in addresses if self._lets_in(address)} or set(addresses)

    def not_closed(self) -> list[str]:
        """Give the workers that get no replies, but one on trial."""
        known = list(self._breakers.values())  # in one step: metrics are read in another thread
        return [each.address for each in known if each.state is not BreakerState.CLOSED]

    def asked(self, address: str) -> None:
        """Note that a reply is sent to a worker; after a pause it is the trial."""
        breaker = self._breakers.get(address)
        if breaker and breaker.state is BreakerState.OPEN and self._clock() >= breaker.until:
            breaker.state = BreakerState.HALF_OPEN
            self._changed(breaker)

    def answered(self, address: str) -> None:
        """Note that a worker has begun to answer: others may ask it again, until its next failure."""
        breaker = self._breakers.get(address)
        if breaker and breaker.state is BreakerState.HALF_OPEN:
            breaker.state, breaker.failures = BreakerState.CLOSED, FAILURES_TO_OPEN - 1
            self._changed(breaker)

    def completed(self, address: str) -> None:
        """Note that a worker has brought a reply to its end, which makes up for its failures."""
        if breaker := self._breakers.pop(address, None):
            breaker.state, breaker.failures = BreakerState.CLOSED, 0
            self._changed(breaker)

    def left(self, address: str) -> None:
        """Note that a visitor stopped a reply before its worker had answered: the next one is the trial."""
        breaker = self._breakers.get(address)
        if breaker and breaker.state is BreakerState.HALF_OPEN:
            breaker.state = BreakerState.OPEN
            self._changed(breaker)

    def failed(self, address: str, error: WorkerError) -> None:
        """Note that a worker failed a reply."""
        breaker = self._breakers.setdefault(address, Breaker(address))
        breaker.failures += 1
        breaker.error = error
        # A server that is asked too much may say when to come back.
        wanted = (isinstance(error, WorkerBusy) and error.retry_after) or 0.0
        if breaker.state is BreakerState.HALF_OPEN:
            breaker.pause = min(breaker.pause * 2, MOST_OPEN_SECONDS)
        if (
            breaker.state is not BreakerState.CLOSED
            or breaker.failures >= FAILURES_TO_OPEN
            or isinstance(error, (*NOT_REACHED, *_ONE_IS_ENOUGH))
            or wanted
        ):
            breaker.state = BreakerState.OPEN
            breaker.until = self._clock() + max(breaker.pause, min(wanted, MOST_OPEN_SECONDS))
        self._changed(breaker)

    def _lets_in(self, address: str) -> bool:
        breaker = self._breakers.get(address)
        if breaker is None or breaker.state is BreakerState.CLOSED:
            return True
        return breaker.state is BreakerState.OPEN and self._clock() >= breaker.until
