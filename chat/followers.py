"""Tell every socket that follows a conversation, in whichever process, that something in it changed.

The channel layer only wakes: no text depends on it. When it is away, sockets of this process go on, and others
show what they missed when they open the conversation again.
"""

import contextlib
import logging
import uuid
from collections.abc import Iterator

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from chat import events

log = logging.getLogger(__name__)


def _group(conversation: uuid.UUID) -> str:
    return f"conversation.{conversation}"


@contextlib.contextmanager
def _layer_may_be_away() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        log.warning("the channel layer does not answer: %s", error)


async def join(conversation: uuid.UUID, channel: str) -> None:
    """Give the socket at `channel` what is announced of a conversation from now on."""
    with _layer_may_be_away():
        await get_channel_layer().group_add(_group(conversation), channel)


async def leave(conversation: uuid.UUID, channel: str) -> None:
    """Undo `join`."""
    with _layer_may_be_away():
        await get_channel_layer().group_discard(_group(conversation), channel)


async def announce_messages(conversation: uuid.UUID, messages: list[events.MessageInfo], sender: str) -> None:
    """Send new messages to all followers but the socket `sender`, which has them already."""
    with _layer_may_be_away():
        await get_channel_layer().group_send(
            _group(conversation),
            {
                "type": "conversation.messages",
                "sender": sender,
                "messages": [msgspec.to_builtins(message) for message in messages],
            },
        )


def announce_feedback(conversation: uuid.UUID, message: uuid.UUID, vote: str | None, flagged: bool) -> None:
    """Send a changed vote or flag to all followers; called from views."""
    with _layer_may_be_away():
        async_to_sync(get_channel_layer().group_send)(
            _group(conversation),
            {"type": "conversation.feedback", "message": str(message), "vote": vote, "flagged": flagged},
        )
