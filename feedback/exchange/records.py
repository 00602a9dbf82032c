"""What an export is made of: one record for each reply, vote, flag or preference."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from chat.prompts.families import Family
from feedback.models import Vote

Kind = Literal["chat", "upvote", "downvote", "flag", "preference", "imported"]
LOGGED: tuple[Kind, ...] = ("chat", "upvote", "downvote", "flag")
KINDS: tuple[Kind, ...] = (*LOGGED, "preference")
IMPORTED: Kind = "imported"  # one for each line of another server's log; only one format asks for them
VOTE_KINDS: dict[str, Kind] = {Vote.Value.UP.value: "upvote", Vote.Value.DOWN.value: "downvote"}


@dataclass(frozen=True, slots=True)
class Picture:
    """Name one picture: the MD5 of its pixels, its size in pixels, its dHash, and its file in the site's storage."""

    md5: str
    width: int
    height: int
    difference_hash: int
    stored: str

    @property
    def name(self) -> str:
        """The file's name in exports; the MD5 alone is the same for pictures of one colour that differ in shape."""
        return f"{self.md5}-{self.width}x{self.height}.png"


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold a visitor's message with its images, and the reply to it."""

    text: str
    images: tuple[Picture, ...]
    reply: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Said:
    """Hold what a visitor said about a reply: reasons, comment and boxes of a vote; reason and state of a flag."""

    reasons: tuple[str, ...] = ()
    comment: str = ""
    boxes: list[dict[str, Any]] = field(default_factory=list)
    state: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Hold the reply that a visitor found worse, and what tells so: `marked`, or `votes`."""

    message_id: uuid.UUID
    text: str
    complete: bool
    model: str
    source: str


@dataclass(frozen=True, slots=True)
class Record:
    """Hold one line's facts: a reply, or a vote, flag or preference on one, with the conversation that led to it.

    `turns` end with the reply and leave out, as prompts do, earlier turns that got no answer. `when` is the end of
    a reply or the time of a vote, flag or preference; `start`, of chats only, when the worker was asked. `ip` is the
    address, or its keyed hash where addresses are not kept. `language` is an ISO 639-1 code, or empty.
    `votes` are the values of all votes on the reply,
    `moderation` is what moderators have made of it. `is_last`, in data sets, tells that no complete reply that was
    chosen follows in its conversation before one that broke off, or that replies were chosen by their votes, so that
    each stands for itself.
    `imported` is the line of another server's log that the record is of.
    """

    kind: Kind
    when: datetime
    start: datetime | None
    model: str
    family: Family
    system_message: str
    turns: list[Turn]
    ip: str
    conversation_id: uuid.UUID
    message_id: uuid.UUID
    language: str
    parameters: dict[str, Any]
    votes: tuple[str, ...]
    moderation: str
    is_last: bool
    said: Said = Said()
    rejected: Rejected | None = None
    imported: dict[str, Any] | None = None

    @property
    def pictures(self) -> list[Picture]:
        """All pictures of the conversation so far, in order."""
        return [picture for turn in self.turns for picture in turn.images]
