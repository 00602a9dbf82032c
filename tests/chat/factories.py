"""Rows that many tests need, with what they do not care about filled in."""

import itertools
import uuid

from django.utils import timezone

from chat.kept import Kept
from chat.models import (
    Backend,
    ChatModel,
    Conversation,
    LimitRule,
    Message,
    Placement,
    ReplyState,
    Role,
    Visitor,
)

_numbers = itertools.count(1)


def make_visitor(**fields) -> Visitor:
    return Visitor.objects.create(**fields)


def make_model(name: str = "", listed: bool = True, **fields) -> ChatModel:
    model = ChatModel.objects.create(name=name or f"llava-v1.5-{next(_numbers)}", **fields)
    # Not the built-in one: its list follows its workers, and there are none.
    backend, _ = Backend.objects.get_or_create(
        name="elsewhere", defaults={"kind": Backend.Kind.CONTROLLER, "last_checked": timezone.now()}
    )
    Placement.objects.create(model=model, backend=backend, listed=listed)
    return model


def make_conversation(
    visitor: Visitor | None = None, model: ChatModel | None = None, **fields
) -> Conversation:
    return Conversation.objects.create(
        visitor=visitor or make_visitor(), model=model or make_model(), updated=timezone.now(), **fields
    )


def make_turn(
    conversation: Conversation,
    question: str = "hello",
    answer: str = "hi",
    parent: Message | None = None,
    **fields,
) -> tuple[Message, Message]:
    """Make a visitor's message and a reply to it; `fields` are the reply's."""
    position = parent.position + 1 if parent else 0
    message = Message.objects.create(
        conversation=conversation, parent=parent, position=position, role=Role.USER, text=question
    )
    reply = Message.objects.create(
        conversation=conversation,
        parent=message,
        position=position + 1,
        role=Role.ASSISTANT,
        text=answer,
        **{
            "state": ReplyState.COMPLETE,
            "model": conversation.model,
            "parameters": {
                "temperature": 0.8,
                "top_p": 0.7,
                "max_output_tokens": 1024,
                "max_input_tiles": 12,
                "image_mode": "Default",
            },
            "owner": uuid.uuid4(),
            **fields,
        },
    )
    return message, reply


def set_limit(counted: str, amount: int, by: str = "visitor", seconds: int | None = 60) -> LimitRule:
    """Let one rule stand for all that there are of what it counts."""
    LimitRule.objects.filter(counted=counted).delete()
    Kept.forget_all()
    return LimitRule.objects.create(name=counted, counted=counted, by=by, amount=amount, seconds=seconds)
