"""A reply that this process generates, with what only its owner needs, and how it ended."""

import asyncio
import logging
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from chat import metrics
from chat.generation import records
from chat.generation.context import Context, ContextError
from chat.generation.reply import LiveReply
from chat.models import ReplyState
from chat.queue import Candidate
from chat.workers.errors import NOT_REACHED, WorkerError
from chat.workers.stream import Sent

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

    def __init__(self, reply: LiveReply, context: Context, admitted_to: Candidate | None = None) -> None:
        self.reply = reply
        self.context = context
        self.admitted_to = admitted_to  # the worker at which it has a place already
        self.stopped = False
        self.taken_over = False  # by another process
        self.first_answered: datetime | None = None
        self.failures: dict[str, WorkerError] = {}  # of the workers that were asked in vain, by address
        self.worker = ""
        self.asked = records.Asked()
        self.sent = Sent(0, None)  # what the worker asked last has sent
        # Of those that failed, the ones that took no connection and have not been there since.
        self.checked = records.Checked()
        self._gone: set[str] = set()
        self._alone_since: float | None = None
        self._accepted_at = self._sent_at = time.monotonic()
        self._counted = len(context.beginning)  # characters

    def progress(self) -> records.Progress:
        return records.Progress(
            self.reply.id, self.reply.text, self.reply.epoch, self.first_answered, self.asked
        )

    def told(self) -> records.Told:
        """Give what the worker told of the reply beside its text."""
        last = self.sent.last
        if last is None:
            return records.Told()
        return records.Told(last.prompt_tokens, last.output_tokens, last.finish_reason)

    def tried(self, workers: Iterable[Candidate] = ()) -> set[str]:
        """Give the workers that this reply does not ask any more, and those of `workers` that can't go on from it."""
        unfit = {each.address for each in workers if self.context.beginning and not each.continues}
        return unfit | (self.failures.keys() - self._gone)

    def seconds_alone(self) -> float:
        """Note that no worker serves the model now, and give for how long the reply has been without one.

        Whoever took no connection before that is asked again when it comes back: it never heard of the reply.
        """
        self._gone = {address for address, error in self.failures.items() if isinstance(error, NOT_REACHED)}
        now = time.monotonic()
        self._alone_since = self._alone_since or now
        return now - self._alone_since

    def not_alone(self) -> None:
        """Note that a worker serves the model. To a reply that one has failed it counts on, or it might never end."""
        if not self.failures:
            self._alone_since = None

    # What the host is told of it

    def sent_to(self, worker: str) -> None:
        self.worker, self._sent_at, self.sent = worker, time.monotonic(), Sent(0, None)
        if not self.failures:
            metrics.reply_sent(self._sent_at - self._accepted_at)
        log.info("worker asked", extra=self._ids(seconds=self._sent_at - self._accepted_at))

    def answered(self) -> None:
        now = time.monotonic()
        metrics.first_text(self.worker, now - self._accepted_at, now - self._sent_at)

    def worker_sent(self, sent: Sent) -> None:
        self.sent = sent
        metrics.worker_sent(self.worker, sent.frames)

    def failed(self, error: WorkerError) -> None:
        self.failures[self.worker] = error
        self._gone.discard(self.worker)
        metrics.worker_failed(self.worker, error.code)
        log.warning(
            "worker failed", extra=self._ids(code=error.code, seconds=time.monotonic() - self._sent_at)
        )

    def grew(self) -> int:
        """Give by how many characters the text is longer than at the last call."""
        before, self._counted = self._counted, len(self.reply.text)
        return max(0, self._counted - before)

    def ended(self, ending: Ending) -> None:
        seconds = time.monotonic() - self._accepted_at
        metrics.text_grew(self.grew())
        metrics.reply_ended(ending.state, ending.code, self.worker, seconds)
        told = self._ids(state=ending.state, code=ending.code, seconds=seconds, characters=self._counted)
        log.info("reply ended", extra=told)

    def _ids(self, seconds: float, **more: Any) -> dict[str, Any]:
        ids = {"reply": self.reply.id, "model": self.context.model, "worker": self.worker}
        return {**ids, "seconds": round(seconds, 3), **more}


def ending_of(run: Run, job: asyncio.Task[None]) -> Ending | None:
    """Tell how a job ended; None when its reply goes on in another process."""
    if job.cancelled() and run.taken_over:
        return None
    if job.cancelled():
        return Ending(ReplyState.STOPPED) if run.stopped else Ending(ReplyState.INTERRUPTED, "interrupted")
    error = job.exception()
    if error is None:
        return Ending(ReplyState.COMPLETE)
    if isinstance(error, HandedOver):
        return None
    if isinstance(error, WorkerError | Refusal | ContextError):
        return Ending(ReplyState.FAILED, error.code, error.detail)
    log.error("reply failed", exc_info=error, extra={"reply": run.reply.id})
    return Ending.of_our_own_error(repr(error))
