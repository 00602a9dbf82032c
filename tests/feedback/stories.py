"""Chats, votes and flags to test with, stored as the site stores them."""

import datetime
import uuid

from django.core.files.base import ContentFile
from django.utils import timezone

from chat.models import (
    ChatModel,
    Conversation,
    Image,
    Message,
    MessageImage,
    ReplyState,
    Role,
    Upload,
    Visitor,
)

START = datetime.datetime(2026, 11, 22, 10, 0, tzinfo=datetime.UTC)


def make_visitor(**fields):
    return Visitor.objects.create(**{"address_hash": uuid.uuid4().hex * 2, **fields})


def make_model(name="llava-v1.5-7b", **fields):
    return ChatModel.objects.get_or_create(name=name, defaults=fields)[0]


def make_conversation(visitor=None, model=None, **fields):
    model = model or make_model()
    return Conversation.objects.create(
        visitor=visitor or make_visitor(),
        model=model,
        **{"template": "llava_v1", "title": "A chat", "updated": timezone.now(), **fields},
    )


def make_upload(visitor, md5=None, width=4, height=3, name="picture.png"):
    image, created = Image.objects.get_or_create(
        md5=md5 or uuid.uuid4().hex,
        width=width,
        height=height,
        defaults={"difference_hash": 0, "source_format": "PNG", "bytes": 100},
    )
    if created:
        image.file.save(f"{image.md5}.png", ContentFile(b"picture"))
        image.thumbnail.save(f"{image.md5}.png", ContentFile(b"small"))
    return Upload.objects.get_or_create(visitor=visitor, image=image, defaults={"name": name})[0]


def ask(conversation, text, parent=None, uploads=()):
    message = Message.objects.create(
        conversation=conversation,
        parent=parent,
        position=parent.position + 1 if parent else 0,
        role=Role.USER,
        text=text,
    )
    for place, upload in enumerate(uploads):
        MessageImage.objects.create(message=message, upload=upload, position=place)
    return message


def answer(question, text, state=ReplyState.COMPLETE, variant=0, model=None, second=0, **fields):
    """Store a reply sent `second` seconds after START that took 2.5 seconds."""
    sent = START + datetime.timedelta(seconds=second)
    return Message.objects.create(
        conversation=question.conversation,
        parent=question,
        position=question.position + 1,
        role=Role.ASSISTANT,
        text=text,
        state=state,
        variant=variant,
        model=model or question.conversation.model,
        parameters={"temperature": 0.8},
        **{
            "sent": sent,
            "first_answered": sent + datetime.timedelta(seconds=0.5),
            "finished": sent + datetime.timedelta(seconds=2.5),
            **fields,
        },
    )


def exchange(conversation, question="What is this?", reply="A cat.", parent=None, uploads=(), **fields):
    return answer(ask(conversation, question, parent, uploads), reply, **fields)
