"""A reply that this process generates, with what only its owner needs, and how it ended."""

import asyncio
import logging
from datetime import datetime

from chat.generation import records
from chat.generation.context import Context, ContextError
from chat.generation.reply import LiveReply
from chat.models import ReplyState
from chat.workers.errors import WorkerError

log = logging.getLogger(__name__)


class Ended(Exception):
    """Ends a reply with a state and an error code; `detail` is for administrators."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Run:
    """A reply that this process generates, with what only its owner needs."""

    job: asyncio.Task[None]  # generates; cancelled to stop
    ending: asyncio.Task[None]  # waits for the job and writes down how it ended; never cancelled before

    def __init__(self, reply: LiveReply, context: Context) -> None:
        self.reply = reply
        self.context = context
        loop = asyncio.get_running_loop()
        self.since = loop.time()
        self.address: asyncio.Future[str] = loop.create_future()
        self.stopped = False
        self.first_answered: datetime | None = None

    def progress(self) -> records.Progress:
        return records.Progress(self.reply.id, self.reply.text, self.reply.epoch, self.first_answered)


def outcome(run: Run, job: asyncio.Task[None]) -> tuple[str, str, str]:
    """Tell how a job ended: state, error code, detail for administrators."""
    if job.cancelled():
        return (ReplyState.STOPPED, "", "") if run.stopped else (ReplyState.INTERRUPTED, "interrupted", "")
    error = job.exception()
    if error is None:
        return ReplyState.COMPLETE, "", ""
    if isinstance(error, WorkerError | Ended | ContextError):
        log.info("reply %s failed: %s %s", run.reply.id, error.code, error.detail)
        return ReplyState.FAILED, error.code, error.detail
    log.error("reply %s failed", run.reply.id, exc_info=error)
    return ReplyState.FAILED, "internal_error", repr(error)
