"""One reply in memory: its text under an epoch, its state, and who is to be woken when they change."""

import uuid
from collections.abc import Callable
from typing import NamedTuple

from chat.models import ReplyState, is_cut

FINAL_STATES = frozenset({ReplyState.COMPLETE, ReplyState.STOPPED, ReplyState.FAILED, ReplyState.INTERRUPTED})


class Missing(NamedTuple):
    """What a follower lacks: the rest of the text, or a whole text in the place of what it has."""

    text: str
    whole: bool


class LiveReply:
    """The newest known text and state of a reply.

    Inside one epoch text only grows, so `(epoch, offset in characters)` says exactly what a follower has.
    """

    __slots__ = (
        "cut",
        "epoch",
        "error_code",
        "followers",
        "id",
        "notice",
        "position",
        "state",
        "text",
        "wait_seconds",
    )

    def __init__(
        self, reply_id: uuid.UUID, state: str = ReplyState.QUEUED, text: str = "", epoch: int = 0
    ) -> None:
        self.id = reply_id
        self.state = state
        self.text = text
        self.epoch = epoch
        self.error_code = ""
        self.cut = False  # ended at its limit of tokens
        self.notice = ""
        self.position = 0
        self.wait_seconds: int | None = None
        self.followers: set[Callable[[], None]] = set()

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    def show(self, cumulative: str) -> bool:
        """Take the worker's whole text so far; tell whether what visitors see changed.

        White space at both ends is never shown: a reply is stored stripped, and holding the end back until
        something follows it keeps the text growing instead of being taken back.
        """
        text = cumulative.strip()
        if text == self.text:
            return False
        if not text.startswith(self.text):
            self.epoch += 1
        self.text = text
        self.wake()
        return True

    def set_text(self, text: str, epoch: int) -> None:
        """Take text and epoch as another process wrote them."""
        if (text, epoch) != (self.text, self.epoch):
            self.text, self.epoch = text, epoch
            self.wake()

    def set_state(self, state: str, error_code: str = "", finish_reason: str = "") -> None:
        self.state, self.error_code, self.cut = state, error_code, is_cut(state, finish_reason)
        self.wake()

    def set_position(self, position: int, wait_seconds: int | None = None) -> None:
        """Take the place in line, from 1, and how long it may last; None while nothing tells."""
        place = (ReplyState.QUEUED, position, wait_seconds)
        if place != (self.state, self.position, self.wait_seconds):
            self.state, self.position, self.wait_seconds = place
            self.wake()

    def wake(self) -> None:
        for follower in tuple(self.followers):
            follower()

    def after(self, epoch: int, offset: int) -> Missing | None:
        """Give what a follower lacks that has `offset` characters of `epoch`; None when it has everything.

        A follower may be ahead: it read from the process that owns the reply, and this one knows only what was
        written to the database since. It keeps what it has, unless the reply ended there.
        """
        ahead = offset > len(self.text)
        if epoch != self.epoch or (ahead and self.is_final):
            return Missing(self.text, whole=True)
        if ahead or offset == len(self.text):
            return None
        return Missing(self.text[offset:], whole=False)
