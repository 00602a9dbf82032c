"""What a visitor has said about replies, for pages."""

import uuid
from collections.abc import Iterable

from feedback.models import Flag, Vote

Opinion = tuple[str | None, bool]  # vote (up, down, None) and whether flagged


def opinions(visitor_key: uuid.UUID, message_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Opinion]:
    """Give a visitor's vote and flag for each of these replies; two queries."""
    wanted = list(message_ids)
    votes = dict(
        Vote.objects.filter(visitor_id=visitor_key, message_id__in=wanted).values_list("message_id", "value")
    )
    flagged = set(
        Flag.objects.filter(visitor_id=visitor_key, message_id__in=wanted).values_list(
            "message_id", flat=True
        )
    )
    return {message_id: (votes.get(message_id), message_id in flagged) for message_id in wanted}
