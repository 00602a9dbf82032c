"""Votes, flags, their review, preferences, exports and tokens in the administration: one module per concept."""

from feedback.admin import exports, flags, queue, reviews, tokens, votes

__all__ = ["exports", "flags", "queue", "reviews", "tokens", "votes"]
