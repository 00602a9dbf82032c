"""Replies that other processes generate and somebody here follows, read from the database."""

import uuid
from collections.abc import Callable, Collection

from chat.database import DatabaseThread
from chat.generation import records
from chat.generation.reply import LiveReply


class RemoteReplies:
    """Keep a copy of each followed reply as it was last written."""

    def __init__(self, database: DatabaseThread) -> None:
        self._database = database
        self._replies: dict[uuid.UUID, LiveReply] = {}

    async def follow(self, reply_id: uuid.UUID, follower: Callable[[], None]) -> LiveReply:
        """Give a reply, as it is stored now, that calls `follower` at each change from then on."""
        reply = self._replies.setdefault(reply_id, LiveReply(reply_id))
        reply.followers.add(follower)
        try:
            # Also for whoever comes second: the read for the first one may be under way.
            await self._read([reply_id])
        except BaseException:
            reply.followers.discard(follower)
            self.forget(reply)
            raise
        return reply

    def forget(self, reply: LiveReply) -> None:
        """Read a reply no more, unless somebody still follows it."""
        # Not the copy of one that ended here: pages that came since follow that.
        if not reply.followers and self._replies.get(reply.id) is reply:
            del self._replies[reply.id]

    def take(self, reply_id: uuid.UUID) -> LiveReply | None:
        """Hand out a reply with its followers, because this process generates it from now on."""
        return self._replies.pop(reply_id, None)

    def put(self, reply: LiveReply) -> None:
        """Take in a reply that this process has handed over to another."""
        if reply.followers:
            self._replies[reply.id] = reply

    async def read(self) -> None:
        """Bring every reply up to date."""
        if self._replies:
            await self._read(list(self._replies))

    async def _read(self, replies: Collection[uuid.UUID]) -> None:
        for row in await self._database.run(records.read, replies):
            if reply := self._replies.get(row.reply):
                reply.set_text(row.text, row.epoch)
                reply.notice = row.notice
                if row.state != reply.state:
                    reply.set_state(row.state, row.error_code, row.finish_reason)
