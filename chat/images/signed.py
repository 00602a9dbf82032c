"""Addresses of pictures that open without a cookie, for frames of other sites, and only for minutes."""

import time
import uuid
from collections.abc import Mapping
from typing import TypeVar

from django.core import signing
from django.utils.crypto import constant_time_compare
from msgspec.structs import replace

from chat import events
from chat.conversations import Earlier

Page = TypeVar("Page", events.ConversationInfo, Earlier)

# An address holds for one to two of these, and stays the same for one, so that browsers keep the picture.
SECONDS = 15 * 60


def signed_image(info: events.ImageInfo) -> events.ImageInfo:
    """Give a picture's description with addresses that hold for a while."""
    query = signed_query(info.id)
    return replace(info, url=info.url + query, thumbnail=info.thumbnail + query)


def signed_query(upload: uuid.UUID) -> str:
    """Give what opens an address of this upload for a while."""
    until = (int(time.time()) // SECONDS + 2) * SECONDS
    return f"?until={until}&signature={_signature(upload, str(until))}"


def signed_message(info: events.MessageInfo) -> events.MessageInfo:
    """Give a message with such addresses of its pictures."""
    return replace(info, images=[signed_image(image) for image in info.images]) if info.images else info


def signed_page(info: Page) -> Page:
    """Give a page of a conversation with such addresses."""
    images = [[signed_image(image) for image in several] for several in info.images]
    return replace(info, messages=[signed_message(message) for message in info.messages], images=images)


def seconds_left(upload: uuid.UUID, query: Mapping[str, str]) -> int:
    """Give how long the address with this query still opens this upload; 0 where it does not."""
    until, signature = query.get("until", ""), query.get("signature", "")
    if not until.isascii() or not until.isdigit() or len(until) > 12:
        return 0
    if not constant_time_compare(signature, _signature(upload, until)):
        return 0
    return max(0, int(until) - int(time.time()))


def _signature(upload: uuid.UUID, until: str) -> str:
    return signing.Signer(salt="mmchat.image").signature(f"{upload} {until}")
