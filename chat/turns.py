"""Begin replies: write down what a visitor asked, and the still empty reply, in one transaction."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from chat import events, failures, parameters, queue
from chat.addresses import Address
from chat.consent import check_consent
from chat.conversations import branch, message_info, message_infos, siblings_of, title_of
from chat.generation.context import Context, context_of
from chat.images.blocks import is_blocked
from chat.kept import Kept
from chat.languages import language_of
from chat.limits.replies import check_replies
from chat.model_limits import check_characters, check_images, check_path
from chat.models import ChatModel, Conversation, Message, MessageImage, ReplyState, Role, Upload, Visitor
from chat.moderation.stored import is_upheld
from chat.refusals import Refused
from chat.registry import can_continue, template_of
from chat.visitors import ensure_visitor


@dataclass(frozen=True)
class Turn:
    """A stored message and the reply to it; `fresh` when this very call stored it.

    `messages` are what the page is to show: the message, where it is new, and the reply. A fresh turn has a
    `context`, what its reply is to answer, and a `worker` if it has a place there already.
    """

    conversation: uuid.UUID
    message: uuid.UUID
    reply: uuid.UUID
    messages: list[events.MessageInfo]
    context: Context | None = None
    worker: queue.Candidate | None = None

    @property
    def fresh(self) -> bool:
        return self.context is not None


# Gives, by model, the workers at which a reply may start without standing in line. It is called when the reply is
# stored: that may have waited for the database, and workers may have gone meanwhile.
Workers = Callable[[], Mapping[str, Sequence[queue.Candidate]]]


def no_workers() -> Mapping[str, Sequence[queue.Candidate]]:
    return {}


def start(
    visitor_key: uuid.UUID,
    address: Address | None,
    frame: events.Send,
    owner: uuid.UUID,
    workers: Workers = no_workers,
    *,
    limited: bool = True,
) -> Turn:
    """Store the visitor's message and an empty reply owned by process `owner`, or find the ones of before.

    The reply starts at one of `workers` where it can; `limited` to so many at once. Raises `Refused`; then nothing is
    stored.
    """
    text = frame.text.strip()
    _check_text(text, bool(frame.images))
    # The row's id follows from the browser's, so the primary key itself makes sending idempotent.
    message_id = uuid.uuid5(visitor_key, str(frame.client_id))
    try:
        with transaction.atomic():
            return _store_turn(visitor_key, address, frame, text, message_id, owner, workers, limited)
    except (IntegrityError, Refused):
        # Sent again: the key is taken, or the reply that is running is this message's own.
        if before := _found(message_id):
            return before
        raise


def start_variant(
    visitor_key: uuid.UUID,
    frame: events.Regenerate | events.Continue,
    owner: uuid.UUID,
    workers: Workers = no_workers,
    *,
    limited: bool = True,
) -> Turn:
    """Store one more reply to the message that the reply `frame.message` answers: empty, or with its text.

    It starts at one of `workers` where it can; `limited` to so many at once. Raises `Refused`; then nothing is stored.
    """
    reply_id = uuid.uuid5(visitor_key, str(frame.client_id))
    if before := _found_variant(reply_id):
        return before
    try:
        with transaction.atomic():
            return _store_variant(visitor_key, frame, reply_id, owner, workers, limited)
    except (IntegrityError, Refused) as error:
        # Sent again, to another process: the reply that is running may be this very one.
        if before := _found_variant(reply_id):
            return before
        raise (error if isinstance(error, Refused) else _busy()) from None


def found(visitor_key: uuid.UUID, frame: events.Send | events.Regenerate | events.Continue) -> Turn | None:
    """Give what the same frame made before, if it did."""
    made = uuid.uuid5(visitor_key, str(frame.client_id))
    return _found(made) if isinstance(frame, events.Send) else _found_variant(made)


def contexts(replies: Collection[uuid.UUID]) -> dict[uuid.UUID, Context]:
    """Put together anew what waiting replies are to answer, for a process that adopted them."""
    rows = Message.objects.filter(pk__in=list(replies), state=ReplyState.QUEUED).select_related(
        "model", "parent__conversation"
    )
    return {
        reply.pk: context_of(
            reply.parent.conversation,
            reply.model,
            reply.parameters,
            branch(reply.parent),
            beginning=reply.text,  # what waits has no text but the one that it begins with
        )
        for reply in rows
        if reply.parent is not None and reply.model is not None
    }


def _check_text(text: str, has_images: bool) -> None:
    if not text and not has_images:
        raise Refused("message_empty", _("Write a message or add an image."), "text", 1)
    check_characters(len(text))
    if "\0" in text:  # JSON can hold one; PostgreSQL can't
        raise Refused(
            "message_unreadable",
            _("The message holds a NUL character, which can't be stored."),
            "text",
        )


def _found(message_id: uuid.UUID) -> Turn | None:
    reply = Message.objects.replies().filter(parent_id=message_id).order_by("variant").first()
    if reply is None:
        return None
    if reply.conversation.deleted:
        raise _deleted()
    infos = message_infos([message_id, reply.pk])
    return Turn(reply.conversation_id, message_id, reply.pk, infos)


def _found_variant(reply_id: uuid.UUID) -> Turn | None:
    reply = Message.objects.replies().filter(pk=reply_id, conversation__deleted__isnull=True).first()
    if reply is None or reply.parent_id is None:
        return None
    return Turn(reply.conversation_id, reply.parent_id, reply.pk, message_infos([reply.pk]))


def _store_turn(
    visitor_key: uuid.UUID,
    address: Address | None,
    frame: events.Send,
    text: str,
    message_id: uuid.UUID,
    owner: uuid.UUID,
    workers: Workers,
    limited: bool,
) -> Turn:
    visitor = ensure_visitor(visitor_key, address, lock=True)
    check_consent(visitor)
    if visitor.is_blocked:
        raise Refused("visitor_blocked", _("This browser has been blocked from sending messages."))
    if limited:
        check_replies(visitor)
    model = _model(frame.model)
    values = parameters.resolve(frame.parameters, model)
    uploads = _uploads(visitor, frame, model)
    conversation = _conversation(visitor, frame, model, text)
    parent = _parent(conversation, frame)
    position = parent.position + 1 if parent else 0
    message = Message(
        pk=message_id,
        conversation=conversation,
        parent=parent,
        position=position,
        role=Role.USER,
        text=text,
        client_id=frame.client_id,
    )
    path = [*(branch(parent) if parent else []), (message, uploads)]
    check_path(model, path)
    _check_earlier_images(path)
    reply, worker = _new_reply(message, model, values, owner, workers)
    Message.objects.bulk_create([message, reply])
    if uploads:
        MessageImage.objects.bulk_create(
            MessageImage(message=message, upload=upload, position=place)
            for place, upload in enumerate(uploads)
        )
    beside = siblings_of(message) if frame.edits else [message.pk]
    infos = [message_info(message, uploads, siblings=beside), message_info(reply, [])]
    context = context_of(conversation, model, values, path)
    return Turn(conversation.pk, message.pk, reply.pk, infos, context, worker)


def _store_variant(
    visitor_key: uuid.UUID,
    frame: events.Regenerate | events.Continue,
    reply_id: uuid.UUID,
    owner: uuid.UUID,
    workers: Workers,
    limited: bool,
) -> Turn:
    old = Message.objects.owned_by(visitor_key).replies().filter(pk=frame.message).first()
    if old is None or old.parent is None or old.model is None:
        raise Refused("not_found", _("This reply does not exist."), "message")
    visitor = ensure_visitor(visitor_key, None, lock=True)
    check_consent(visitor)
    own = Conversation.objects.owned_by(visitor_key)
    conversation = own.select_for_update(of=("self",)).filter(pk=old.conversation_id).first()
    if conversation is None:
        raise Refused("not_found", _("This conversation does not exist."), "message")
    if visitor.is_blocked:
        raise Refused("visitor_blocked", _("This browser has been blocked from sending messages."))
    if conversation.messages.live().exists():
        raise _busy()
    if limited:
        check_replies(visitor)
    if isinstance(frame, events.Continue):
        model, values = _model(old.model.name), old.parameters
        _check_continuable(old, model)
    else:
        model = _model(frame.model or old.model.name)
        values = parameters.resolve(frame.parameters, model)
    path = branch(old.parent)
    if not isinstance(frame, events.Continue):
        check_path(model, path)
    _check_earlier_images(path)
    newest = Message.objects.filter(parent=old.parent, role=Role.ASSISTANT).aggregate(Max("variant"))
    goes_on, variant = isinstance(frame, events.Continue), newest["variant__max"] + 1
    places = no_workers if is_upheld(old.parent.pk) else workers  # what is upheld goes to no model
    reply, worker = _new_reply(
        old.parent, model, values, owner, places, reply_id, variant, frame.client_id, goes_on=goes_on
    )
    if goes_on:
        reply.continues, reply.text = old, old.text
    reply.save(force_insert=True)
    Conversation.objects.filter(pk=conversation.pk).update(updated=timezone.now())
    context = context_of(conversation, model, values, path, beginning=reply.text)
    info = message_info(reply, [], siblings=siblings_of(reply))
    return Turn(conversation.pk, old.parent.pk, reply.pk, [info], context, worker)


def _check_earlier_images(path: Iterable[tuple[Message, Iterable[Upload]]]) -> None:
    """Raise `Refused` when a model would be sent a picture that has been blocked since."""
    if any(is_blocked(upload.image) for _, uploads in path for upload in uploads):
        raise Refused(
            "image_blocked",
            _("An image of this conversation is not allowed here. Start a new conversation."),
            "images",
        )


def _check_continuable(old: Message, model: ChatModel) -> None:
    broke_off = old.is_cut or old.state in (ReplyState.STOPPED, ReplyState.FAILED, ReplyState.INTERRUPTED)
    if not (broke_off and old.text):
        raise Refused(
            "reply_not_broken_off",
            _("Only a reply that broke off with some text can be continued."),
            "message",
        )
    if not can_continue(model):
        raise Refused("not_continuable", str(failures.WORDS["not_continuable"].text), "message")


@Kept
def _models() -> dict[str, ChatModel]:
    return {model.name: model for model in ChatModel.objects.with_shown()}


def _model(name: str) -> ChatModel:
    model = _models().get(name)
    if (model is None or not model.is_shown) and "\0" not in name:
        # A worker may have brought it this very moment.
        model = ChatModel.objects.with_shown().filter(name=name).first()
    if model is None:
        raise Refused("model_unknown", _("There is no model of this name."), "model")
    if not model.is_shown:
        raise Refused(
            "model_gone",
            _("The model %(name)s is not available now. Pick another one.") % {"name": name},
            "model",
        )
    return model


def _uploads(visitor: Visitor, frame: events.Send, model: ChatModel) -> list[Upload]:
    if not frame.images:
        return []
    check_images(model, len(frame.images))
    if len(set(frame.images)) != len(frame.images):
        raise Refused("image_twice", _("The same image is in the message twice."), "images")
    uploads = Upload.objects.owned_by(visitor.key).in_order(frame.images)
    if len(uploads) != len(frame.images):
        raise Refused("image_unknown", _("An image of this message does not exist. Add it again."), "images")
    if any(is_blocked(upload.image) for upload in uploads):
        raise Refused("image_blocked", _("An image of this message is not allowed here."), "images")
    return uploads


def _conversation(visitor: Visitor, frame: events.Send, model: ChatModel, text: str) -> Conversation:
    now = timezone.now()
    if frame.conversation is None:
        return Conversation.objects.create(
            visitor=visitor,
            model=model,
            template=template_of(model),
            system_message=model.system_message,
            title=title_of(text) or (_("Image") if frame.images else ""),
            language=language_of(text),
            research=bool(visitor.research),
            updated=now,
        )
    conversation = (
        Conversation.objects.owned_by(visitor.key).select_for_update().filter(pk=frame.conversation).first()
    )
    if conversation is None:
        raise _deleted()
    if conversation.messages.live().exists():
        raise _busy()
    # Conversations often begin with a picture alone, or with a word that every language has.
    language = conversation.language or language_of(text)
    Conversation.objects.filter(pk=conversation.pk).update(updated=now, language=language)
    return conversation


def _parent(conversation: Conversation, frame: events.Send) -> Message | None:
    """Give the reply that a message follows; None for a first one."""
    if frame.edits:
        edited = conversation.messages.filter(role=Role.USER, pk=frame.edits).select_related("parent").first()
        if edited is None:
            raise Refused("not_found", _("The message to be changed does not exist."), "edits")
        return edited.parent
    if frame.conversation is None:
        return None
    replies = conversation.messages.replies()
    if frame.parent is None:
        return replies.order_by("-created", "-variant").first()
    parent = replies.filter(pk=frame.parent).first()
    if parent is None:
        raise Refused("not_found", _("The reply that this message follows does not exist."), "parent")
    return parent


def _new_reply(
    message: Message,
    model: ChatModel,
    values: parameters.Parameters,
    owner: uuid.UUID,
    workers: Workers,
    pk: uuid.UUID | None = None,
    variant: int = 0,
    client_id: uuid.UUID | None = None,
    goes_on: bool = False,
) -> tuple[Message, queue.Candidate | None]:
    # All others who give out places wait from here to the commit, so little is left to do.
    worker = queue.place_at_once(model.name, workers().get(model.name, ()), goes_on=goes_on)
    reply = Message(
        pk=pk or uuid.uuid4(),
        conversation_id=message.conversation_id,
        parent=message,
        position=message.position + 1,
        variant=variant,
        role=Role.ASSISTANT,
        state=ReplyState.STREAMING if worker else ReplyState.QUEUED,
        model=model,
        parameters=values,
        owner=owner,
        worker=worker.address if worker else "",
        sent=timezone.now() if worker else None,
        client_id=client_id,
    )
    return reply, worker


def _deleted() -> Refused:
    return Refused("not_found", _("This conversation does not exist."), "conversation")


def _busy() -> Refused:
    return Refused(
        "reply_running",
        _("A reply is still running in this conversation. Wait for it or stop it first."),
        "conversation",
    )
