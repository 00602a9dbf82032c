"""Have content checks look at a message before its reply is generated, and at the reply when it has ended."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from chat import metrics
from chat.database import DatabaseThread
from chat.generation import records
from chat.generation.run import Ending, Refusal, Run
from chat.models import ReplyState, Stage
from chat.moderation import pipeline, stored
from chat.moderation.checks import Check, Subject
from chat.moderation.verdicts import FLAGGED, Decision, Outcome, Verdict

log = logging.getLogger(__name__)

# Of their own: a check that is slow must not hold up what replies without one need threads for.
THREADS = 32
BROKEN = "checks"  # the name under which it is stored that they could not be run at all


class Moderator:
    """Run the checks of a process's replies, off its event loop."""

    def __init__(self, database: DatabaseThread) -> None:
        self._database = database
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mmchat-checks")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check_message(self, run: Run) -> None:
        """Check what a reply answers. Raises `Refusal` where it must go to no model."""
        if run.admitted_to:
            return  # it was given a place at once because there was nothing to check
        reply, context = run.reply, run.context
        wanted = await self._database.run(records.to_check, reply.id, context.model)
        if wanted.is_refused:
            raise Refusal(FLAGGED, "a moderator upheld it")
        if wanted.message is None:
            return
        question = context.turns[-1]
        images = context.images[len(context.images) - question.images :]
        verdict = await self._run(wanted.checks, Subject(Stage.MESSAGE, question.text, images))
        if any(each.tells_something for each in verdict.decisions):
            await self._database.run(stored.record, wanted.message, verdict.decisions)
        if verdict.code:
            raise Refusal(verdict.code, verdict.deciding.detail if verdict.deciding else "")
        reply.notice = verdict.notice
        run.checked = records.Checked(notice=verdict.notice)

    async def check_reply(self, run: Run, ending: Ending) -> Ending:
        """Check what a reply says, however it ended; give how it ends, without its text where that is kept back."""
        reply = run.reply
        if not reply.text:
            return ending
        try:
            # What was read before the message was checked is at hand, should the database be away.
            checks = await self._database.run(stored.checks_for, Stage.REPLY, run.context.model)
            if not checks:
                return ending
            verdict = await self._run(checks, Subject(Stage.REPLY, reply.text, question=run.context.question))
        except Exception as error:
            log.exception("a reply could not be checked", extra={"reply": reply.id})
            outcome, detail = Outcome.UNAVAILABLE_REFUSED, type(error).__name__
            verdict = Verdict(Stage.REPLY, [Decision(BROKEN, Stage.REPLY, outcome, detail=detail)])
        notice = verdict.notice or run.checked.notice
        reply.notice = notice
        decisions = [each for each in verdict.decisions if each.tells_something]
        run.checked = records.Checked(decisions, notice)
        if not verdict.code:
            return ending
        run.checked = records.Checked(decisions, "", reply.text, ending.state, ending.code)
        reply.notice = ""
        reply.set_text("", reply.epoch + 1)
        detail = verdict.deciding.detail if verdict.deciding else ""
        return Ending(ReplyState.FAILED, verdict.code, detail)

    async def _run(self, checks: Sequence[Check], subject: Subject) -> Verdict:
        loop = asyncio.get_running_loop()
        verdict = await loop.run_in_executor(self._threads, _in_a_thread, checks, subject)
        for each in verdict.decisions:
            metrics.checked(each.check, each.stage, each.outcome, each.seconds, dry_run=each.dry_run)
        return verdict


def _in_a_thread(checks: Sequence[Check], subject: Subject) -> Verdict:
    """Run checks and leave no connection open, which nobody would close, or open again once it was lost."""
    try:
        return pipeline.run(checks, subject)
    finally:
        connections.close_all()
