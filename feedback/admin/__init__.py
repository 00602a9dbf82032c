"""Votes, flags, preferences and exports in the administration: one module per concept."""

from feedback.admin import exports, flags, votes

__all__ = ["exports", "flags", "votes"]
