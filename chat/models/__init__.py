"""What is stored: one module per concept, all models importable from here."""

from chat.models.audit import AuditEntry
from chat.models.conversations import Conversation, Message, MessageImage, ReplyState, Role, RunningReply
from chat.models.images import Image, Upload
from chat.models.moderation import ModerationEvent
from chat.models.registry import Backend, ChatModel, Placement, Worker
from chat.models.site import Chore, CircuitBreaker, Example, ParameterRange, ServerProcess, SiteText
from chat.models.terms import Terms
from chat.models.visitors import Visitor

__all__ = [
    "AuditEntry",
    "Backend",
    "ChatModel",
    "Chore",
    "CircuitBreaker",
    "Conversation",
    "Example",
    "Image",
    "Message",
    "MessageImage",
    "ModerationEvent",
    "ParameterRange",
    "Placement",
    "ReplyState",
    "Role",
    "RunningReply",
    "ServerProcess",
    "SiteText",
    "Terms",
    "Upload",
    "Visitor",
    "Worker",
]
