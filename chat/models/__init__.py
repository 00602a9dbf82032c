"""What is stored: one module per concept, all models importable from here."""

from chat.models.audit import AuditEntry
from chat.models.conversations import (
    Conversation,
    HiddenReply,
    Message,
    MessageImage,
    ReplyState,
    Role,
    RunningReply,
)
from chat.models.images import BlockedImage, Image, Upload
from chat.models.moderation import ModerationEvent, ReviewState
from chat.models.registry import Backend, ChatModel, Placement, Worker
from chat.models.restrictions import Restriction
from chat.models.site import Chore, CircuitBreaker, Example, ParameterRange, ServerProcess, SiteText
from chat.models.terms import Terms
from chat.models.visitors import BlockedVisitor, Visitor

__all__ = [
    "AuditEntry",
    "Backend",
    "BlockedImage",
    "BlockedVisitor",
    "ChatModel",
    "Chore",
    "CircuitBreaker",
    "Conversation",
    "Example",
    "HiddenReply",
    "Image",
    "Message",
    "MessageImage",
    "ModerationEvent",
    "ParameterRange",
    "Placement",
    "ReplyState",
    "Restriction",
    "ReviewState",
    "Role",
    "RunningReply",
    "ServerProcess",
    "SiteText",
    "Terms",
    "Upload",
    "Visitor",
    "Worker",
]
