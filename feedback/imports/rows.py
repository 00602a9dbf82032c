"""The rows that a batch of log lines adds. Ids follow from lines: the same line never makes another row."""

import datetime
import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from chat.conversations import title_of
from chat.languages import language_of
from chat.models import Conversation, Message, MessageImage, ReplyState, Role, Upload, Visitor
from chat.prompts.families import FAMILIES
from feedback.exchange.logged import Told
from feedback.imports.insert import Row, insert, uuid_converter
from feedback.imports.lines import Line, kept_name
from feedback.imports.places import Node, Step
from feedback.imports.states import Said
from feedback.models import LogLine, LogShape
from feedback.models.logs import LogSource

IDS = uuid.UUID("6d6d6368-6174-5000-8000-696d706f7274")
PARTS = 500  # ids in one query
_MOST_SHAPES = 2000  # remembered
_FAMILY_OF: dict[tuple[Any, ...], str] = {
    (family.system, family.roles, family.sep, family.sep2): name for name, family in FAMILIES.items()
}


@dataclass(slots=True)
class Rows:
    """Collect a batch's rows, then write them in the order in which they need each other."""

    models: Mapping[str, int]  # ids by name
    shapes: dict[str, uuid.UUID]  # ids by text, of all batches
    images: Mapping[str, int]  # ids by MD5
    known: Collection[uuid.UUID]  # conversations that are stored, of those that the lines name
    conversations: dict[uuid.UUID, Conversation] = field(default_factory=dict)
    _keys: dict[str, uuid.UUID] = field(default_factory=dict)
    _visitors: dict[uuid.UUID, Visitor] = field(default_factory=dict)
    _messages: list[Row] = field(default_factory=list)
    _uploads: dict[uuid.UUID, Upload] = field(default_factory=dict)
    _shown: list[MessageImage] = field(default_factory=list)
    _lines: dict[uuid.UUID, Row] = field(default_factory=dict)
    _claimed: list[uuid.UUID] = field(default_factory=list)
    _dated: list[Message] = field(default_factory=list)
    _touched: dict[uuid.UUID, tuple[datetime.datetime, str]] = field(default_factory=dict)

    def begin(self, line: Line) -> uuid.UUID:
        """Add a conversation that begins with a line, and give its id."""
        said = line.states[0]
        # Found by its id where the log has one: another line of it may share no turn with this one.
        pk = named(said) or uuid.uuid5(line.key, "conversation")
        if pk in self.conversations or pk in self.known:
            return self.touch(pk, line)
        family = _FAMILY_OF.get((said.system, said.roles, *said.separators))
        self.conversations[pk] = Conversation(
            pk=pk,
            visitor_id=self.visitor(line, pk),
            model_id=self.models[said.model],
            template=family or (said.template if len(said.template) <= 40 else ""),
            system_message="" if family else said.system,
            title=title_of(said.turns[0].text),
            source=line.source,
            source_id=kept_name(said.name),
            language=_language(said),
            created=_begun(line),
            updated=line.when,
        )
        return pk

    def touch(self, conversation: uuid.UUID, line: Line) -> uuid.UUID:
        """Note that a conversation went on with a line."""
        new = self.conversations.get(conversation)
        if new is not None:
            new.updated = max(new.updated, line.when)
            new.language = new.language or _language(line.states[0])
        else:
            when, language = self._touched.get(conversation, (line.when, ""))
            self._touched[conversation] = max(when, line.when), language or _language(line.states[0])
        return conversation

    def visitor(self, line: Line, conversation: uuid.UUID) -> uuid.UUID:
        """Give whoever has the line's address; without one, a visitor of the conversation's own."""
        who = line.address_hash or f"of conversation {conversation}"
        key = self._keys.get(who)
        if key is None:
            key = self._keys[who] = uuid.uuid5(IDS, f"visitor {who}")
            self._visitors[key] = Visitor(
                key=key,
                address_hash=line.address_hash,
                address=(line.address or None) if settings.MMCHAT_STORE_ADDRESSES else None,
                address_noted=timezone.now() if line.address_hash else None,
                created=line.when,
            )
        return key

    def question(self, line: Line, place: int, conversation: uuid.UUID, after: Node | None) -> uuid.UUID:
        """Add a visitor's message with its images, and give its id."""
        told = line.states[0].turns[place]
        pk = uuid.uuid5(line.key, f"question {place}")
        self._messages.append(
            {
                "id": pk,
                "conversation_id": conversation,
                "parent_id": after.message if after else None,
                "position": after.position + 1 if after else 0,
                "role": Role.USER.value,
                "text": told.text,
                "created": _begun(line),
            }
        )
        visitor = self.visitor(line, conversation)
        for position, name in enumerate(told.images):
            upload = uuid.uuid5(visitor, f"image {self.images[name]}")
            self._uploads[upload] = Upload(
                pk=upload, visitor_id=visitor, image_id=self.images[name], name=f"{name}.jpg"
            )
            self._shown.append(MessageImage(message_id=pk, upload_id=upload, position=position))
        return pk

    def reply(
        self,
        line: Line,
        place: int,
        step: Step,
        conversation: uuid.UUID,
        asked: uuid.UUID,
        position: int,
        variant: int,
    ) -> Node:
        """Add the reply of one turn: the line's own, if it is the last, else one of which it only tells."""
        said = line.states[0]
        told: Told = said.turns[place]
        is_own = place == len(said.turns) - 1
        pk = uuid.uuid5(line.key, "reply" if is_own else f"reply {place}")
        self._messages.append(
            {
                "id": pk,
                "conversation_id": conversation,
                "parent_id": asked,
                "position": position,
                "variant": variant,
                "role": Role.ASSISTANT.value,
                "text": told.reply,
                "state": (ReplyState.COMPLETE if told.complete else ReplyState.INTERRUPTED).value,
                "model_id": self.models[said.model],
                "created": _begun(line),
                **(_dates(line) if is_own else {}),
            }
        )
        key = line.key if is_own else uuid.uuid5(line.key, f"earlier {place}")
        kind = line.kind if is_own else ""
        node = Node(pk, asked, conversation, position, variant, said.model, line.when, kind, step, key)
        if is_own:
            self.line(line, node)
        else:
            self._lines[key] = {
                "id": key,
                "source": line.source.value,
                "message_id": pk,
                "visitor_id": self.visitor(line, conversation),
                "when": line.when,
                **_marks(step),
            }
        return node

    def line(self, line: Line, node: Node, other: Node | None = None) -> None:
        """Add what a line says beyond the reply that it ends with, or the two of a battle."""
        self._lines[line.key] = {
            "id": line.key,
            "source": line.source.value,
            "kind": line.kind,
            "message_id": node.message,
            "other_id": other.message if other else None,
            "visitor_id": self.visitor(line, node.conversation),
            "shape_id": self._shape(line.shape),
            "rest": json.dumps(line.rest) if line.rest else "",
            "when": line.when,
            **line.times,
            **(_marks(node.step) if line.kind == "chat" else {}),
        }

    def claim(self, line: Line, node: Node) -> None:
        """Let a line have the reply of which a later line told."""
        self._claimed.append(node.line)
        dates = _dates(line)
        model = self.models[line.states[0].model]
        self._dated.append(Message(pk=node.message, model_id=model, created=_begun(line), **dates))
        node.kind, node.when, node.line = line.kind, line.when, line.key
        self.line(line, node)

    def write(self) -> None:
        Visitor.objects.bulk_create(self._visitors.values(), ignore_conflicts=True)
        Conversation.objects.bulk_create(self.conversations.values())
        insert(Message, self._messages)
        Upload.objects.bulk_create(self._uploads.values(), ignore_conflicts=True)
        MessageImage.objects.bulk_create(self._shown)
        LogLine.objects.filter(pk__in=self._claimed).delete()
        for key in self._claimed:
            self._lines.pop(key, None)  # told by this very batch
        Message.objects.bulk_update(
            self._dated, ["model", "created", "sent", "finished", "parameters"], batch_size=PARTS
        )
        insert(LogLine, list(self._lines.values()))
        self._write_touched()

    def _write_touched(self) -> None:
        turn = connection.ops.adapt_datetimefield_value
        turn_id = uuid_converter()
        values = [
            (turn(when), turn(when), language, turn_id(pk) if turn_id else pk)
            for pk, (when, language) in self._touched.items()
        ]
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE chat_conversation SET updated = CASE WHEN updated < %s THEN %s ELSE updated END, "
                "language = CASE WHEN language = '' THEN %s ELSE language END WHERE id = %s",
                values,
            )

    def _shape(self, text: str) -> uuid.UUID:
        found = self.shapes.get(text)
        if found is None:
            found = uuid.uuid5(IDS, text)
            LogShape.objects.bulk_create([LogShape(id=found, text=text)], ignore_conflicts=True)
            if len(self.shapes) >= _MOST_SHAPES:
                self.shapes.clear()
            self.shapes[text] = found
        return found


def _language(said: Said) -> str:
    """Give the language of the newest text that has one."""
    return next((code for turn in reversed(said.turns) if (code := language_of(turn.text))), "")


def named(said: Said) -> uuid.UUID | None:
    """Give the id of a conversation that the log names."""
    return uuid.uuid5(IDS, said.scope) if said.name else None


def parts(items: list[Any]) -> Iterable[list[Any]]:
    return (items[start : start + PARTS] for start in range(0, len(items), PARTS))


def _marks(step: Step) -> dict[str, uuid.UUID | None]:
    return {"question": step.question, "chain": step.chain, "pictures": step.pictures}


def _dates(line: Line) -> dict[str, Any]:
    """Say when a reply was asked for and ended: by `finish`, but for old servers, which wrote the start there again."""
    if line.source == LogSource.STREAMLIT:
        return {"parameters": line.parameters, "sent": None, "finished": None}
    start, finish = line.times["start"], line.times["finish"]
    is_true = finish is not None and (start is None or finish > start)
    return {
        "parameters": line.parameters,
        "sent": None if start is None else _moment(start),
        "finished": _moment(finish) if is_true and finish is not None else line.when,
    }


def _begun(line: Line) -> datetime.datetime:
    start = line.times["start"]
    return line.when if start is None else _moment(start)


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
