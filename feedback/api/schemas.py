"""What the API takes and gives; the OpenAPI pages are made from it."""

import datetime
import uuid
from typing import Any

from ninja import Schema
from pydantic import Field

MOST_ITEMS = 200
USUAL_ITEMS = 50


class Error(Schema):
    code: str = Field(description="Stable name; docs/errors.md describes each.")
    text: str
    field: str | None = None
    limit: float | str | None = None


class Problem(Schema):
    error: Error


class Page(Schema):
    """Where in a list to go on, and which part of it."""

    cursor: str | None = Field(None, description="`next` of the page before.")
    limit: int = Field(USUAL_ITEMS, ge=1, le=MOST_ITEMS)
    since: str | None = Field(None, description="From this date or time on, UTC where no zone is given.")
    until: str | None = Field(None, description="Before this date or time.")
    models: str | None = Field(None, description="Names with commas between.")
    languages: str | None = Field(None, description="ISO 639-1 codes with commas between; `und` for unknown.")
    consent: str | None = Field(
        None,
        description="`research`, `unrefused` or `any`; usually `research` where the site asks, else `unrefused`.",
    )


class VotePage(Page):
    value: str | None = Field(None, description="`up` or `down`.")


class FlagPage(Page):
    state: str | None = Field(None, description="`open`, `upheld` or `dismissed`.")
    reason: str | None = None


class Conversation(Schema):
    id: uuid.UUID
    model: str
    language: str
    research: bool = Field(description="Its visitor allows research.")
    created: datetime.datetime
    updated: datetime.datetime


class ImageOut(Schema):
    md5: str = Field(description="Of the RGB pixels.")
    width: int
    height: int


class MessageOut(Schema):
    id: uuid.UUID
    parent: uuid.UUID | None = Field(description="What it follows or answers; the messages are a tree.")
    role: str
    text: str
    images: list[ImageOut]
    created: datetime.datetime
    variant: int | None = None
    model: str | None = None
    state: str | None = None
    error: str | None = None
    parameters: dict[str, Any] | None = None
    sent: datetime.datetime | None = None
    finished: datetime.datetime | None = None


class ConversationDetail(Conversation):
    template: str
    system_message: str
    messages: list[MessageOut]


class Vote(Schema):
    id: int
    conversation_id: uuid.UUID
    message_id: uuid.UUID
    model: str | None
    value: str
    reasons: list[str]
    comment: str
    boxes: list[dict[str, Any]]
    created: datetime.datetime
    changed: datetime.datetime


class Flag(Schema):
    id: int
    conversation_id: uuid.UUID
    message_id: uuid.UUID
    model: str | None
    reason: str
    comment: str
    state: str
    created: datetime.datetime
    reviewed: datetime.datetime | None


class Conversations(Schema):
    items: list[Conversation]
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class Votes(Schema):
    items: list[Vote]
    next: str | None


class Flags(Schema):
    items: list[Flag]
    next: str | None


class ExportRequest(Schema, extra="forbid"):
    """The options of `manage.py export_feedback`."""

    format: str = "jsonl"
    since: str | None = None
    until: str | None = None
    types: list[str] | None = None
    models: list[str] | None = None
    languages: list[str] | None = None
    votes: list[str] | None = None
    moderation: list[str] | None = None
    consent: str | None = None
    images: bool = False
    addresses: bool = False
    licence: str | None = None


class Export(Schema):
    id: uuid.UUID
    format: str
    choice: dict[str, Any]
    state: str = Field(description="`waiting`, `running`, `complete`, `failed` or `cancelled`.")
    error: str
    error_code: str = Field(description="Empty but for failed ones.")
    done: int
    total: int
    entries: int | None
    bytes: int | None
    file: str | None = Field(None, description="Address of the file once it is complete.")
    created: datetime.datetime
    finished: datetime.datetime | None


class Exports(Schema):
    items: list[Export]
    next: str | None
