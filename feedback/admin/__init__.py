"""Votes, flags, their review, preferences and exports in the administration: one module per concept."""

from feedback.admin import exports, flags, queue, reviews, votes

__all__ = ["exports", "flags", "queue", "reviews", "votes"]
