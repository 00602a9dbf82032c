"""What one socket does, counted for its visitor and its address."""

import asyncio
import uuid

from django.utils.translation import gettext as _

from chat.addresses import Address
from chat.database import DatabaseThread
from chat.limits.counting import count_from_loop, is_staff, who_is
from chat.limits.open_sockets import DEAD_SECONDS, OpenSockets
from chat.limits.rules import Rules, rules
from chat.models.limits import Counted
from chat.refusals import Refused

WAIT_SECONDS = 5  # until a page that was one too many comes back
FLOOD = 20  # frames refused one after the other; a page that waits as it is told never comes so far


class SocketLimits:
    """Refuse what is too much, but not for staff: who has a session of theirs is asked for only then."""

    def __init__(
        self,
        visitor: uuid.UUID | None,
        address: Address | None,
        session: str,
        database: DatabaseThread,
        open_sockets: OpenSockets,
    ) -> None:
        self._who = who_is(visitor, address)
        self._session = session
        self._database = database
        self._open = open_sockets
        self._inside = False
        self._told: set[str] = set()  # names that other processes know of
        self._refused_in_a_row = 0

    @property
    def is_flooded(self) -> bool:
        """Tell whether so many frames were refused that whoever sends them listens to nothing."""
        return self._refused_in_a_row > FLOOD

    async def handshake(self) -> None:
        """Count a connection. Raises `Refused`."""
        await self._count(Counted.HANDSHAKES)

    async def frame(self) -> None:
        """Count a frame. Raises `Refused`."""
        try:
            await self._count(Counted.FRAMES)
        except Refused as refused:
            self._refused_in_a_row += 1
            raise Refused("too_many_frames", refused.text, "frame", refused.limit, refused.seconds) from None
        self._refused_in_a_row = 0

    async def message(self) -> None:
        """Count something that is asked of a model. Raises `Refused`."""
        await self._count(Counted.MESSAGES)

    async def unless_staff(self, refused: Refused) -> None:
        """Raise a refusal, but not for staff."""
        if not self._session or not await self._database.run(is_staff, self._session):
            raise refused

    async def enter(self) -> None:
        """Count this socket as open until `leave`. Raises `Refused` where it is one too many.

        Those of a process that was killed count for some seconds more, in which their pages come back here.
        """
        limits = [
            (self._who[rule.by], rule.amount)
            for rule in (await self._rules()).get(Counted.SOCKETS, ())
            if rule.by in self._who
        ]
        full = [most for name, most in limits if self._open.here[name] >= most]
        # Counted before anything else is awaited, so that handshakes made at once count each other.
        self._inside = True
        for name in self._who.values():
            self._open.opened(name)
        if not full:
            self._told = {name for name, _most in limits}
            full = await self._full(limits)
            if full:
                await asyncio.sleep(DEAD_SECONDS)
                full = await self._full(limits)
        if full:
            await self.unless_staff(_too_many_sockets(full[0]))

    def left(self) -> None:
        """Let this socket count no longer at this process."""
        if self._inside:
            self._inside = False
            for name in self._who.values():
                self._open.closed(name)

    async def tell_left(self) -> None:
        """Let it count no longer at any."""
        for name in self._told:
            await self._open.everywhere(name)

    async def _full(self, limits: list[tuple[str, int]]) -> list[int]:
        return [most for name, most in limits if await self._open.everywhere(name) > most]

    async def _count(self, counted: Counted) -> None:
        try:
            await count_from_loop(await self._rules(), self._who, counted)
        except Refused as refused:
            await self.unless_staff(refused)

    async def _rules(self) -> Rules:
        in_force = rules.fresh()
        return await self._database.run(rules) if in_force is None else in_force


def _too_many_sockets(most: int) -> Refused:
    return Refused(
        "too_many_sockets",
        _("This site is open in too many tabs. Close some of them."),
        limit=most,
        seconds=WAIT_SECONDS,
    )
