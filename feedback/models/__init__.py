"""What visitors say about replies: one module per concept, all models importable from here."""

from feedback.models.flags import Flag, FlagQuerySet
from feedback.models.votes import Vote, VoteChange

__all__ = ["Flag", "FlagQuerySet", "Vote", "VoteChange"]
