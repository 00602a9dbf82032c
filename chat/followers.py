"""Tell every socket that follows a conversation, in whichever process, that something in it changed."""

import uuid

import msgspec
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from chat import events


def conversation_group(conversation: uuid.UUID) -> str:
    return f"conversation.{conversation}"


async def announce_messages(conversation: uuid.UUID, messages: list[events.MessageInfo], sender: str) -> None:
    """Send new messages to all followers but the socket `sender`, which has them already."""
    await get_channel_layer().group_send(
        conversation_group(conversation),
        {
            "type": "conversation.messages",
            "sender": sender,
            "messages": [msgspec.to_builtins(message) for message in messages],
        },
    )


def announce_feedback(conversation: uuid.UUID, message: uuid.UUID, vote: str | None, flagged: bool) -> None:
    """Send a changed vote or flag to all followers; called from views."""
    async_to_sync(get_channel_layer().group_send)(
        conversation_group(conversation),
        {"type": "conversation.feedback", "message": str(message), "vote": vote, "flagged": flagged},
    )
