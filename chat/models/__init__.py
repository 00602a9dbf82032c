"""What is stored: one module per concept, all models importable from here."""

from chat.models.audit import AuditEntry
from chat.models.checks import CheckThreshold, Consequence, ModerationCheck
from chat.models.conversations import (
    Conversation,
    HiddenReply,
    Message,
    MessageImage,
    ReplyState,
    Role,
    RunningReply,
    is_cut,
)
from chat.models.embedding import EmbeddingSite
from chat.models.host import Announcement, Example, ExamplePicture, SiteText, SiteTranslation
from chat.models.images import BlockedImage, Image, Upload
from chat.models.limits import LimitRule
from chat.models.moderation import ModerationEvent, ReviewState, Stage, WithheldReply
from chat.models.registry import Backend, ChatModel, Placement, ToldTemplate, Worker
from chat.models.restrictions import Restriction
from chat.models.sharing import SharedLink
from chat.models.site import Chore, CircuitBreaker, ParameterRange, ServerProcess
from chat.models.staff import LogInTries
from chat.models.terms import Terms, TermsTranslation
from chat.models.visitors import AddressKey, BlockedVisitor, Visitor

__all__ = [
    "AddressKey",
    "Announcement",
    "AuditEntry",
    "Backend",
    "BlockedImage",
    "BlockedVisitor",
    "ChatModel",
    "CheckThreshold",
    "Chore",
    "CircuitBreaker",
    "Consequence",
    "Conversation",
    "EmbeddingSite",
    "Example",
    "ExamplePicture",
    "HiddenReply",
    "Image",
    "LimitRule",
    "LogInTries",
    "Message",
    "MessageImage",
    "ModerationCheck",
    "ModerationEvent",
    "ParameterRange",
    "Placement",
    "ReplyState",
    "Restriction",
    "ReviewState",
    "Role",
    "RunningReply",
    "ServerProcess",
    "SharedLink",
    "SiteText",
    "SiteTranslation",
    "Stage",
    "Terms",
    "TermsTranslation",
    "ToldTemplate",
    "Upload",
    "Visitor",
    "WithheldReply",
    "Worker",
    "is_cut",
]
