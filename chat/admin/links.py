"""Links and pictures in lists; what visitors wrote only ever goes in as escaped text."""

import uuid

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

EXCERPT = 80  # characters


def excerpt(text: str) -> str:
    """Give the beginning of a text on one line."""
    return Truncator(" ".join(text.split())).chars(EXCERPT)


def conversation_link(
    conversation_id: uuid.UUID, label: str, message_id: uuid.UUID | None = None
) -> SafeString:
    """Link to a conversation, and to a place in it."""
    address = reverse("admin:chat_conversation_change", args=[conversation_id])
    if message_id:
        address = f"{address}#message-{message_id}"
    return format_html('<a href="{}">{}</a>', address, label or str(conversation_id)[:8])


def thumbnail(upload_id: uuid.UUID | None, description: str, blurred: bool = False) -> SafeString | str:
    """Show a small picture that leads to the whole one; one that is blurred is clear under the pointer or focus."""
    if upload_id is None:
        return "–"
    return format_html(
        '<a href="{}"><img class="thumbnail{}" src="{}" alt="{}" loading="lazy"></a>',
        reverse("chat:image", args=[upload_id]),
        " blurred" if blurred else "",
        reverse("chat:thumbnail", args=[upload_id]),
        description,
    )
