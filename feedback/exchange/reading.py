"""Read the records of an export from the database, in constant memory. Run it inside `snapshot()`.

A few hundred heads at a time: first what decides whether they are in, which is small, then their conversations.
"""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from chat.models import ChatModel, Conversation, Message, MessageImage, ReplyState, Role, Visitor
from chat.moderation.verdicts import REFUSAL_CODES
from chat.prompts.families import FAMILIES, choose_family
from chat.restrictions import hidden_replies
from feedback.exchange.choice import HIDDEN, NO_LANGUAGE, NOT_HIDDEN, UNFLAGGED, VOTES, Choice
from feedback.exchange.heads import Head, heads
from feedback.exchange.imported import imported_lines
from feedback.exchange.records import LOGGED, Picture, Record, Rejected, Turn
from feedback.models import Flag, Vote

BATCH = 500  # heads whose conversations are in memory together
_WORST_FIRST = (Flag.State.UPHELD.value, Flag.State.OPEN.value, Flag.State.DISMISSED.value)


class _Message(NamedTuple):
    id: uuid.UUID
    parent_id: uuid.UUID | None
    role: str
    text: str
    state: str
    error_code: str
    model_id: int | None
    parameters: dict[str, Any]


class _Conversation(NamedTuple):
    visitor_id: uuid.UUID
    model_id: int
    template: str
    system_message: str
    language: str


class _Model(NamedTuple):
    name: str
    template: str
    system_message: str


class Chosen(NamedTuple):
    """A head that is in, and what is known of its reply."""

    head: Head
    conversation_id: uuid.UUID
    votes: tuple[str, ...]
    moderation: str
    hidden: frozenset[uuid.UUID]  # replies of its conversation that it must not hold
    is_followed: bool  # asked of chats only where nothing else is exported, as in data sets
    language: str

    def fingerprint(self) -> bytes:
        """Tell whether a record is still the one that it was: all of it that can change."""
        head = self.head
        facts = (
            head.kind,
            head.when,
            head.message_id,
            head.rejected_id,
            head.said,
            self.votes,
            self.moderation,
            sorted(self.hidden),
            self.is_followed,
            self.language,
        )
        return hashlib.blake2b(repr(facts).encode("utf-8", "backslashreplace"), digest_size=16).digest()


class Reader:
    """Give the records of one choice, batch by batch."""

    def __init__(self, choice: Choice, as_logged: str = "") -> None:
        self._choice, self._as_logged = choice, as_logged
        self._models = {
            pk: _Model(*rest)
            for pk, *rest in ChatModel.objects.values_list("pk", "name", "template", "system_message")
        }

    def batches(self) -> Iterator[tuple[int, list[Chosen]]]:
        """Give, oldest first, how many heads were looked at, and which of them the choice holds."""
        found = heads(self._choice, self._as_logged)
        while batch := list(islice(found, BATCH)):
            yield len(batch), self._chosen(batch)

    def _chosen(self, batch: Collection[Head]) -> list[Chosen]:
        """Leave out deleted conversations, what moderation kept from the model, and what the choice does not hold."""
        choice = self._choice
        ids = {head.message_id for head in batch}
        replies = {
            head.message_id: _Reply(head.conversation_id, "", head.model_id)
            for head in batch
            if head.conversation_id
        }
        others = {head.other_id for head in batch if head.other_id}
        replies |= _read_replies((ids | others) - replies.keys())
        conversations = self._conversations({reply.conversation_id for reply in replies.values()})
        hidden = hidden_replies(conversations)
        as_lines = self._given_as_lines(conversations)
        votes = _read_votes(ids)
        moderation = _read_moderation(ids)
        followed = self._followed(ids, conversations, hidden) if choice.types == ("chat",) else set()
        chosen = []
        for head in batch:
            reply = replies[head.message_id]
            if reply.conversation_id not in conversations or reply.error_code in REFUSAL_CODES:
                continue
            if head.kind in LOGGED and not head.line_id and reply.conversation_id in as_lines:
                continue
            if head.other_id and not self._may_hold(replies[head.other_id], conversations, hidden):
                continue
            begun_with, language = conversations[reply.conversation_id]
            model_id = reply.model_id or begun_with
            own_votes, state = votes.get(head.message_id, ()), moderation.get(head.message_id, UNFLAGGED)
            own_hidden = hidden.get(reply.conversation_id, [])
            state = HIDDEN if head.message_id in own_hidden else state
            if choice.models and self._models[model_id].name not in choice.models:
                continue
            if state not in choice.moderation or not set(own_votes or ("none",)).intersection(choice.votes):
                continue
            avoided = frozenset(own_hidden if HIDDEN not in choice.moderation else ())
            is_followed = head.message_id in followed
            chosen.append(
                Chosen(head, reply.conversation_id, own_votes, state, avoided, is_followed, language)
            )
        return chosen

    def _followed(
        self,
        ids: Collection[uuid.UUID],
        conversations: Mapping[uuid.UUID, tuple[int, str]],
        hidden: Mapping[uuid.UUID, Collection[uuid.UUID]],
    ) -> set[uuid.UUID]:
        """Give those of these replies that a later turn stands for: a complete reply that the choice holds, too.

        Where replies are chosen by their votes, each stands for itself.
        """
        choice, found = self._choice, set[uuid.UUID]()
        if choice.votes != VOTES:
            return found
        asks_moderation = not set(NOT_HIDDEN) <= set(choice.moderation)
        before: dict[uuid.UUID, set[uuid.UUID]] = {
            pk: {pk} for pk in ids
        }  # those of `ids` that led to a reply
        while before:
            questions = dict(
                Message.objects.filter(parent__in=before).order_by().values_list("pk", "parent_id")
            )
            replies = list(_read_following(questions))
            moderation = _read_moderation({reply.id for reply in replies}) if asks_moderation else {}
            after: dict[uuid.UUID, set[uuid.UUID]] = {}
            for reply in replies:
                led = before[questions[reply.parent_id]] - found  # type: ignore[index]  # a question's id is given
                is_hidden = reply.id in hidden.get(reply.conversation_id, ())
                is_over = choice.until is not None and reply.created >= choice.until
                is_out = is_over or reply.broke_off or (is_hidden and HIDDEN not in choice.moderation)
                if not led or is_out:
                    continue  # whatever follows is left out as well
                state = HIDDEN if is_hidden else moderation.get(reply.id, UNFLAGGED)
                model = self._models[reply.model_id or conversations[reply.conversation_id][0]].name
                if (
                    reply.is_complete
                    and state in choice.moderation
                    and (not choice.models or model in choice.models)
                ):
                    found |= led
                else:
                    after[reply.id] = led
            before = after
        return found

    def _given_as_lines(self, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Tell which of these conversations come as the lines of the log that they were imported from."""
        if not self._as_logged:
            return set()
        rows = Conversation.objects.filter(pk__in=ids, source=self._as_logged).order_by()
        return set(rows.values_list("pk", flat=True))

    def _may_hold(
        self,
        other: "_Reply",
        conversations: Collection[uuid.UUID],
        hidden: Mapping[uuid.UUID, Collection[uuid.UUID]],
    ) -> bool:
        """Tell whether the other side of a battle may be given out: nothing of its conversation is hidden."""
        place = other.conversation_id
        return place in conversations and (HIDDEN in self._choice.moderation or not hidden.get(place))

    def _conversations(self, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[int, str]]:
        """Give model and language of those of these conversations that the choice may hold."""
        rows = allowed_conversations(self._choice).filter(pk__in=ids).order_by()
        return {
            pk: (model, language) for pk, model, language in rows.values_list("pk", "model_id", "language")
        }

    def records(self, chosen: Collection[Chosen]) -> Iterator[Record]:
        """Read the conversations of a batch, and give its records, without those that hold a hidden reply."""
        conversations = _read_conversations({each.conversation_id for each in chosen})
        messages = _read_messages(conversations)
        images = _read_images(conversations)
        addresses: Mapping[uuid.UUID, str] = {}
        if self._choice.addresses:
            visitors = {conversation.visitor_id for conversation in conversations.values()}
            addresses = _read_addresses(visitors | {e.head.visitor_id for e in chosen if e.head.visitor_id})
        lines = imported_lines([each.head.line_id for each in chosen if each.head.line_id], addresses)
        for head, conversation_id, votes, moderation, hidden, is_followed, _ in chosen:
            if hidden and not hidden.isdisjoint(
                {*_replies_up_to(head.message_id, messages), head.rejected_id}
            ):
                continue
            conversation = conversations[conversation_id]
            reply = messages[head.message_id]
            model = self._models[reply.model_id or conversation.model_id]
            # As the engine asked: a reply of another model than the conversation's used that model's settings.
            as_begun = reply.model_id in (None, conversation.model_id)
            template = (as_begun and conversation.template) or model.template
            yield Record(
                kind=head.kind,
                when=head.when,
                start=head.start,
                model=model.name,
                family=FAMILIES.get(template) or FAMILIES[choose_family(model.name)],
                system_message=conversation.system_message if as_begun else model.system_message,
                turns=_turns(reply, messages, images),
                ip=addresses.get(head.visitor_id or conversation.visitor_id, ""),
                conversation_id=conversation_id,
                message_id=head.message_id,
                language=conversation.language,
                parameters=reply.parameters,
                votes=votes,
                moderation=moderation,
                is_last=not is_followed,
                said=head.said,
                rejected=self._rejected(head, messages, conversation),
                imported=lines[head.line_id] if head.line_id else None,
            )

    def _rejected(
        self, head: Head, messages: Mapping[uuid.UUID, _Message], conversation: _Conversation
    ) -> Rejected | None:
        if head.rejected_id is None:
            return None
        reply = messages[head.rejected_id]
        model = self._models[reply.model_id or conversation.model_id]
        return Rejected(reply.id, reply.text, reply.state == ReplyState.COMPLETE, model.name, head.source)


def allowed_conversations(choice: Choice) -> QuerySet[Conversation]:
    """Give the conversations that a choice may hold, by consent and language; deleted ones never."""
    rows = Conversation.objects.visible()
    if choice.consent == "research":
        rows = Conversation.objects.allowed_for_research()
    elif choice.consent == "unrefused":
        rows = Conversation.objects.not_refused_to_research()
    if choice.languages:
        rows = rows.filter(language__in=["" if code == NO_LANGUAGE else code for code in choice.languages])
    return rows


def records(choice: Choice | None = None, as_logged: str = "") -> Iterator[Record]:
    """Give all records of a choice, oldest first; of equal times a chat before what was said about it."""
    reader = Reader(choice or Choice(), as_logged)
    for _, chosen in reader.batches():
        yield from reader.records(chosen)


def _turns(
    reply: _Message, messages: Mapping[uuid.UUID, _Message], images: Mapping[uuid.UUID, list[Picture]]
) -> list[Turn]:
    turns: list[Turn] = []
    answer: _Message | None = reply
    while answer is not None:
        question = messages.get(answer.parent_id) if answer.parent_id else None
        if question is None:
            break
        if answer.text or answer is reply:
            turns.append(
                Turn(
                    text=question.text,
                    images=tuple(images.get(question.id, ())),
                    reply=answer.text,
                    complete=answer.state == ReplyState.COMPLETE,
                )
            )
        answer = messages.get(question.parent_id) if question.parent_id else None
    return turns[::-1]


def _replies_up_to(reply: uuid.UUID, messages: Mapping[uuid.UUID, _Message]) -> Iterator[uuid.UUID]:
    found: uuid.UUID | None = reply
    while found is not None:
        yield found
        question = messages[found].parent_id
        found = messages[question].parent_id if question else None


class _Reply(NamedTuple):
    conversation_id: uuid.UUID
    error_code: str
    model_id: int | None


def _read_replies(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, _Reply]:
    rows = Message.objects.filter(pk__in=ids).order_by()
    names = ("pk", "conversation_id", "error_code", "model_id")
    return {pk: _Reply(place, code, model) for pk, place, code, model in rows.values_list(*names)}


def _read_votes(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[str, ...]]:
    rows = Vote.objects.filter(message__in=ids).order_by("created", "pk").values_list("message_id", "value")
    return {pk: tuple(values) for pk, values in _grouped(rows).items()}


class _Following(NamedTuple):
    id: uuid.UUID
    parent_id: uuid.UUID | None
    conversation_id: uuid.UUID
    model_id: int | None
    created: datetime
    is_complete: bool  # with a text
    broke_off: bool  # with a text


def _read_following(questions: Collection[uuid.UUID]) -> Iterator[_Following]:
    complete, has_text = Q(state=ReplyState.COMPLETE), ~Q(text="")
    rows = Message.objects.filter(parent__in=questions, role=Role.ASSISTANT).order_by()
    rows = rows.annotate(
        is_complete=ExpressionWrapper(complete & has_text, BooleanField()),
        broke_off=ExpressionWrapper(~complete & has_text, BooleanField()),
    )
    return (_Following(*row) for row in rows.values_list("pk", *_Following._fields[1:]))


def _read_moderation(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Give what moderators have made of those of these replies that were flagged or hidden."""
    rows = Flag.objects.filter(message__in=ids).order_by("pk").values_list("message_id", "state")
    return {
        pk: next(state for state in _WORST_FIRST if state in states) for pk, states in _grouped(rows).items()
    }


def _grouped(rows: Iterable[tuple[uuid.UUID, Any]]) -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for pk, value in rows:
        found[pk].append(value)
    return found


def _read_conversations(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, _Conversation]:
    rows = Conversation.objects.filter(pk__in=ids).order_by()
    names = ("pk", "visitor_id", "model_id", "template", "system_message", "language")
    return {pk: _Conversation(*rest) for pk, *rest in rows.values_list(*names)}


def _read_addresses(keys: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Give each visitor's address, or its hash where addresses are not kept."""
    rows = Visitor.objects.filter(pk__in=keys).values_list("pk", "address", "address_hash")
    return {pk: address or hashed for pk, address, hashed in rows}


def _read_messages(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, _Message]:
    rows = Message.objects.filter(conversation_id__in=ids).order_by()
    names = ("pk", "parent_id", "role", "text", "state", "error_code", "model_id", "parameters")
    return {row[0]: _Message(*row) for row in rows.values_list(*names)}


def _read_images(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[Picture]]:
    rows = (
        MessageImage.objects.filter(message__conversation_id__in=ids)
        .order_by("message_id", "position")
        .values_list(
            "message_id",
            "upload__image__md5",
            "upload__image__width",
            "upload__image__height",
            "upload__image__difference_hash",
            "upload__image__file",
        )
    )
    return _grouped((pk, Picture(*rest)) for pk, *rest in rows)
