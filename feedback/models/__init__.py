"""What visitors say about replies: one module per concept, all models importable from here."""

from feedback.models.flags import Flag, FlagQuerySet
from feedback.models.logs import LogLine, LogShape
from feedback.models.preferences import Preference
from feedback.models.reasons import VoteReason, VoteReasonLabel
from feedback.models.votes import Vote, VoteChange

__all__ = [
    "Flag",
    "FlagQuerySet",
    "LogLine",
    "LogShape",
    "Preference",
    "Vote",
    "VoteChange",
    "VoteReason",
    "VoteReasonLabel",
]
