"""The chat socket: authorise, parse, delegate. Nothing streams in a handler; the outbox's task does."""

import asyncio
import logging
import re
import uuid
from typing import Any

import msgspec
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseFailure
from django.utils import translation
from django.utils.translation import gettext as _

import mmchat_site
from chat import conversations, events, metrics, turns
from chat.addresses import Address
from chat.generation import records
from chat.generation.engine import Engine, running_engine
from chat.images.signed import signed_message, signed_page
from chat.limits.of_socket import SocketLimits
from chat.models import Message
from chat.outbox import Outbox
from chat.refusals import Refused
from chat.translations import language_of_scope
from chat.visitors import PROTOCOL, key_in_scope, scope_address, token_in_scope

log = logging.getLogger(__name__)

# The server's extension of the scope: `taken()` bytes have reached the client, and `abort()` cuts it off. daphne has
# none, and keeps a client that reads nothing.
CONNECTION = "mmchat.connection"

ABORT_SECONDS = 2.0  # until a client that floods is cut off after it was told

CLOSE_RESTART = 1012
CLOSE_NO_VISITOR = 4401
CLOSE_BLOCKED = 4403
CLOSE_TOO_MANY = 4429


class ChatConsumer(AsyncWebsocketConsumer):
    """One page's socket. It has no channel of its own, so that it opens while Redis is away."""

    channel_layer_alias = None

    engine: Engine
    outbox: Outbox
    visitor_key: uuid.UUID
    address: Address | None
    language: str
    limits: SocketLimits

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler of a message.

        Channels would first look for old database connections in another thread, where nothing here opens one; that
        costs as much as the rest of a frame.
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        self.opened = False
        self._one_at_a_time = asyncio.Lock()  # frames and announcements
        self.conversation: uuid.UUID | None = None
        key = key_in_scope(self.scope)
        self.has_token = token_in_scope(self.scope) is not None
        self.address = scope_address(self.scope)
        self.language = language_of_scope(self.scope)
        await self.accept(PROTOCOL if self.has_token else None)
        self.engine = await running_engine()
        if self.engine.draining:
            return await self.close(CLOSE_RESTART)
        session = "" if self.has_token else self.scope["cookies"].get(settings.SESSION_COOKIE_NAME, "")
        self.limits = SocketLimits(key, self.address, session, self.engine.visitors, self.engine.open_sockets)
        with translation.override(self.language):
            try:
                await self.limits.handshake()
                if key is None:
                    return await self.close(CLOSE_NO_VISITOR)
                await self._enter(key)
            except Refused as refused:
                # In words and with the time to wait, which the page keeps to; a handshake that is denied says nothing.
                await self._send_text(events.encode(_error(refused)))
                return await self.close(
                    CLOSE_BLOCKED if refused.code == "visitor_blocked" else CLOSE_TOO_MANY
                )
        self._offered = self.scope.get("extensions", {}).get(CONNECTION, {})
        self.outbox = Outbox(
            self.engine, self.language, self._send_text, self._offered.get("taken", lambda: 0)
        )
        self.opened = True
        self.outbox.put(events.Hello(version=mmchat_site.__version__))

    async def _enter(self, key: uuid.UUID) -> None:
        """Join the sockets of this process. Raises `Refused` for a visitor who is blocked or has too many."""
        self.visitor_key = key
        self.engine.sockets.add(self)
        try:
            await self.limits.enter()
            if await self.engine.visitors.run(records.blocked, [key]):
                raise Refused("visitor_blocked", _("This browser has been blocked from sending messages."))
        except BaseException:
            # Nobody calls `disconnect` for a handshake that failed; it would count as long as this process lives.
            self._leave_process()
            raise

    def _leave_process(self) -> None:
        self.engine.sockets.discard(self)
        self.limits.left()

    async def disconnect(self, code: int) -> None:
        if not hasattr(self, "visitor_key"):
            return
        self._leave_process()
        # After what was announced meanwhile, or a reply that it begins to follow would be followed for ever.
        async with self._one_at_a_time:
            if self.opened:
                self.opened = False
                self._leave()
                await self.outbox.close()
        await self.limits.tell_left()

    def is_stuck(self) -> bool:
        return self.opened and self.outbox.is_stuck()

    def abort(self) -> None:
        """Cut the connection of a client that reads nothing: a close frame would wait behind what is not read."""
        # It no longer counts; the visitor may open another socket meanwhile.
        self._leave_process()
        if abort := self._offered.get("abort"):
            log.info("cut the connection of a client that does not read")
            abort()

    async def close_for_restart(self) -> None:
        await self.close(CLOSE_RESTART)

    async def close_for_block(self) -> None:
        await self.close(CLOSE_BLOCKED)

    async def close_for_deletion(self) -> None:
        """Let the page load anew, and with it begin as a new visitor."""
        await self.close(CLOSE_NO_VISITOR)

    async def _send_text(self, text: str) -> None:
        await self.base_send({"type": "websocket.send", "text": text})

    # Frames from the browser

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self.opened or self.limits.is_flooded:
            return
        with translation.override(self.language):
            client_id = _client_id(text_data or "")
            try:
                await self.limits.frame()
                if text_data is None:
                    raise Refused("frame_unreadable", _("Frames must be text."), "frame")
                async with self._one_at_a_time:
                    await self._handle(_parse(text_data))
            except Refused as refused:
                self._refuse(refused, client_id)
                if self.limits.is_flooded:
                    await self._close_for_flood()
            except DatabaseFailure:
                log.exception("a frame was refused: the database does not answer")
                text = _("This could not be stored just now, so nothing was sent. Try again in a moment.")
                self._refuse(Refused("storage_unavailable", text), client_id)
            except Exception:
                # A socket that closed here would come back and send the same frame again, for ever.
                log.exception("a frame was refused")
                text = _("Something went wrong on our side, so nothing was sent. Try again.")
                self._refuse(Refused("internal_error", text), client_id)

    async def _close_for_flood(self) -> None:
        log.info("closed the socket of a client that floods it")
        await self.close(CLOSE_TOO_MANY)
        # One that does not read either would not see it, and go on for as long as a server waits for an answer.
        if abort := self._offered.get("abort"):
            asyncio.get_running_loop().call_later(ABORT_SECONDS, abort)

    def _refuse(self, refused: Refused, client_id: uuid.UUID | None) -> None:
        metrics.frame_refused(refused.code)
        self.outbox.put(_error(refused, client_id))

    async def _handle(self, frame: events.ClientFrame) -> None:
        match frame:
            case events.Open():
                await self._open(frame)
            case events.Leave():
                self._leave()
            case events.Send():
                await self._start(frame)
            case events.Regenerate() | events.Continue():
                await self._start(frame)
            case events.Stop():
                await self._stop(frame)

    async def _open(self, frame: events.Open) -> None:
        # Joined before it is read: what comes in between is then in the snapshot or announced, or both.
        self._leave()
        self.engine.followers.join(frame.conversation, self)
        self.conversation = frame.conversation
        info = await self.engine.visitors.run(
            conversations.snapshot, frame.conversation, self.visitor_key, frame.have, frame.at
        )
        if info is None:
            self._leave()
            raise Refused("not_found", _("This conversation does not exist."), "conversation")
        metrics.resumed({each.message: (each.epoch, each.offset) for each in frame.have}, info.messages)
        self.outbox.put(signed_page(info) if self.has_token else info)
        await self._follow(info.messages)

    def _leave(self) -> None:
        self.outbox.unfollow_all()
        if self.conversation:
            self.engine.followers.leave(self.conversation, self)
            self.conversation = None

    async def _start(self, frame: events.Send | events.Regenerate | events.Continue) -> None:
        if self.engine.draining:
            # The next process answers: the browser sends what was not accepted again.
            return await self.close(CLOSE_RESTART)
        turn = await self._turn(frame)
        if turn.context:
            self.engine.submit(turn.reply, turn.context, turn.worker)
            _tell_accepted(turn)
        if self.conversation != turn.conversation:
            self._leave()
            self.conversation = turn.conversation
            self.engine.followers.join(turn.conversation, self)
        self.outbox.put(
            events.Accepted(
                client_id=frame.client_id,
                conversation=turn.conversation,
                message=turn.message,
                reply=turn.reply,
            )
        )
        await self._show(turn.messages)
        if turn.fresh:
            self.engine.followers.announce_messages(turn.conversation, turn.messages, self)

    async def _turn(self, frame: events.Send | events.Regenerate | events.Continue) -> turns.Turn:
        try:
            await self.limits.message()
        except Refused:
            # Sent again after a lost connection: it was counted when it was stored.
            if before := await self.engine.visitors.run(turns.found, self.visitor_key, frame):
                return before
            raise
        try:
            return await self._store(frame)
        except Refused as refused:
            if refused.code != "too_many_replies":
                raise
            await self.limits.unless_staff(refused)
            return await self._store(frame, limited=False)

    async def _store(
        self, frame: events.Send | events.Regenerate | events.Continue, *, limited: bool = True
    ) -> turns.Turn:
        run, key, engine = self.engine.visitors.run, self.visitor_key, self.engine
        at_hand = engine.workers_at_hand
        if isinstance(frame, events.Send):
            return await run(turns.start, key, self.address, frame, engine.owner, at_hand, limited=limited)
        return await run(turns.start_variant, key, frame, engine.owner, at_hand, limited=limited)

    async def _stop(self, frame: events.Stop) -> None:
        try:
            await self.engine.visitors.run(records.request_stop, self.visitor_key, frame.message)
        except Message.DoesNotExist:
            raise Refused("not_found", _("This reply does not exist."), "message") from None
        self.engine.stop(frame.message)

    async def _show(self, infos: list[events.MessageInfo]) -> None:
        # Of a reply that this socket follows it has more already than was read for `infos`.
        infos = [info for info in infos if not self.outbox.follows(info.id)]
        if self.has_token:
            infos = [signed_message(info) for info in infos]
        for info in infos:
            self.outbox.put(events.NewMessage(message=info))
        await self._follow(infos)

    async def _follow(self, infos: list[events.MessageInfo]) -> None:
        try:
            for info in infos:
                await self.outbox.follow(info)
        except DatabaseFailure:
            log.exception("a reply can't be followed: the database does not answer")
            self._look_again()  # the page has the reply, and would wait for what nothing tells it

    # Events from other sockets and views

    def _look_again(self) -> None:
        """Let the page ask anew; after the answer to what it has asked already, which may not know of it."""
        if self.conversation:
            self.outbox.put(events.Missed(conversation=self.conversation))

    async def announced(self, event: dict[str, Any]) -> None:
        async with self._one_at_a_time:
            if not self.opened or event["conversation"] != str(self.conversation):
                return
            if event["type"] == "messages":
                await self._show(msgspec.convert(event["messages"], list[events.MessageInfo]))
            elif event["type"] == "deleted":
                self.outbox.put(events.Deleted(conversation=uuid.UUID(event["conversation"])))
                self._leave()
            elif event["type"] == "changed":
                self._look_again()
            elif event["type"] == "titled":
                self.outbox.put(msgspec.convert(event, events.Titled))
            else:
                told = {**event["opinion"], "type": "feedback", "message": event["message"]}
                self.outbox.put(msgspec.convert(told, events.Feedback))


def _error(refused: Refused, client_id: uuid.UUID | None = None) -> events.Error:
    return events.Error(
        code=refused.code,
        text=refused.text,
        field=refused.field,
        limit=refused.limit,
        seconds=refused.seconds,
        client_id=client_id,
    )


def _tell_accepted(turn: turns.Turn) -> None:
    metrics.reply_accepted()
    log.info(
        "reply accepted",
        extra={"reply": turn.reply, "question": turn.message, "conversation": turn.conversation},
    )


# What a visitor types can't match: its quotation marks come escaped.
_CLIENT_ID = re.compile(r'"client_id":\s*"([0-9a-fA-F-]{36})"')


def _client_id(text: str) -> uuid.UUID | None:
    """Give the `client_id` of a frame that may be unreadable, so that its error finds its message."""
    found = _CLIENT_ID.search(text)
    try:
        return uuid.UUID(found.group(1)) if found else None
    except ValueError:
        return None


def _parse(text: str) -> events.ClientFrame:
    limit = settings.MMCHAT_MAX_MESSAGE_CHARACTERS
    if len(text) > events.MAX_FRAME_BYTES or len(text.encode(errors="replace")) > events.MAX_FRAME_BYTES:
        raise Refused(
            "message_too_long",
            _("This is too long to send; a message may have at most %(limit)s characters.")
            % {"limit": limit},
            "text",
            limit,
        )
    try:
        return events.decode(text)
    except RecursionError:  # the parser keeps to Python's limit, far from the end of the stack
        reason = _("The site did not understand this: %(reason)s") % {"reason": _("it is nested too deeply.")}
        raise Refused("frame_unreadable", reason, "frame") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Refused(
            "frame_unreadable",
            _("The site did not understand this: %(reason)s") % {"reason": error},
            _field(str(error)),
        ) from None


def _field(reason: str) -> str:
    """Give the field that a validation error names, as in "… - at `$.client_id`"."""
    return reason.rsplit("`$.", 1)[1].rstrip("`") if "`$." in reason else "frame"
