"""A reply that this process generates, with what only its owner needs, and how it ended."""

import asyncio
import logging
from datetime import datetime
from typing import NamedTuple

from chat.generation import records
from chat.generation.context import Context, ContextError
from chat.generation.reply import LiveReply
from chat.models import ReplyState
from chat.workers.errors import WorkerError

log = logging.getLogger(__name__)


class Refusal(Exception):
    """Ends a reply before any worker is asked; `detail` is for administrators."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class HandedOver(Exception):
    """This process ends, and another one will generate the reply, which had only waited so far."""


class Ending(NamedTuple):
    """How a reply ended: state, error code, and detail for administrators."""

    state: str
    code: str = ""
    detail: str = ""

    @classmethod
    def of_our_own_error(cls, detail: str = "") -> "Ending":
        return cls(ReplyState.FAILED, "internal_error", detail)


class Run:
    """A reply that this process generates, with what only its owner needs."""

    job: asyncio.Task[None]  # generates; cancelled to stop
    ending: asyncio.Task[None]  # waits for the job and writes down how it ended; never cancelled before

    def __init__(self, reply: LiveReply, context: Context) -> None:
        self.reply = reply
        self.context = context
        self.stopped = False
        self.first_answered: datetime | None = None
        self.failures: dict[str, WorkerError] = {}  # of the workers that were asked in vain, by address

    def progress(self) -> records.Progress:
        return records.Progress(self.reply.id, self.reply.text, self.reply.epoch, self.first_answered)


def ending_of(run: Run, job: asyncio.Task[None]) -> Ending | None:
    """Tell how a job ended; None when its reply goes on in another process."""
    if job.cancelled():
        return Ending(ReplyState.STOPPED) if run.stopped else Ending(ReplyState.INTERRUPTED, "interrupted")
    error = job.exception()
    if error is None:
        return Ending(ReplyState.COMPLETE)
    if isinstance(error, HandedOver):
        return None
    if isinstance(error, WorkerError | Refusal | ContextError):
        log.info("reply %s failed: %s", run.reply.id, error.code)
        return Ending(ReplyState.FAILED, error.code, error.detail)
    log.error("reply %s failed", run.reply.id, exc_info=error)
    return Ending.of_our_own_error(repr(error))
