"""Votes, flags and preferences in the administration: one module per concept."""

from feedback.admin import flags, votes

__all__ = ["flags", "votes"]
