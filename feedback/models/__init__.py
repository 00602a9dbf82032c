"""What visitors say about replies and moderators say of that: one module per concept, all importable from here."""

from feedback.models.exports import Export, ExportState
from feedback.models.flags import Flag, FlagQuerySet
from feedback.models.hours import Hour, HourOfReplies
from feedback.models.logs import LogLine, LogShape
from feedback.models.preferences import Preference
from feedback.models.reasons import VoteReason, VoteReasonLabel
from feedback.models.review import Claim, LeftPage, Review, ReviewItem
from feedback.models.tokens import PERMISSIONS, ApiToken, Scope
from feedback.models.votes import Vote, VoteChange

__all__ = [
    "PERMISSIONS",
    "ApiToken",
    "Claim",
    "Export",
    "ExportState",
    "Flag",
    "FlagQuerySet",
    "Hour",
    "HourOfReplies",
    "LeftPage",
    "LogLine",
    "LogShape",
    "Preference",
    "Review",
    "ReviewItem",
    "Scope",
    "Vote",
    "VoteChange",
    "VoteReason",
    "VoteReasonLabel",
]
