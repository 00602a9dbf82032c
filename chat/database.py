"""Database work of the asynchronous side: in a thread that keeps its connection."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import Error as DatabaseFailure
from django.db import InternalError, OperationalError, connection
from django.utils import translation

P = ParamSpec("P")
T = TypeVar("T")

# What says that trying again helps: locked, full, gone; an InternalError is a database that is read-only.
UNAVAILABLE = (OperationalError, InternalError)


class DatabaseThread:
    """One thread for one kind of work, one call after the other.

    `channels.db.database_sync_to_async` opens a connection for each call, which costs as much as the call, and
    sends everything through one thread, so that a reply's start would wait behind every visitor's message.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"mmchat-{name}")

    async def run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Call `work` in the thread. After a database error the next call begins with a new connection.

        When the kept connection turns out to be lost, `work` is called once more, so it must be one transaction that
        finds what it did before.
        """
        call = partial(_call, work, *arguments, **named)
        # Not by the context: what Django keeps in it holds in one thread only.
        in_language = partial(_in_language, translation.get_language(), call)
        return await asyncio.get_running_loop().run_in_executor(self._executor, in_language)

    async def settle(self) -> None:
        """Wait until all that was asked for before is done, and whoever asked has gone on."""
        await asyncio.get_running_loop().run_in_executor(self._executor, lambda: None)

    async def close(self) -> None:
        """End the thread and its connection."""
        # Not the bound method: looking it up would open the connection of this thread.
        await asyncio.get_running_loop().run_in_executor(self._executor, lambda: connection.close())
        self._executor.shutdown()


def _in_language(language: str | None, call: Callable[[], T]) -> T:
    """Make `call`, which may put something into words, in the language of who waits for it."""
    with translation.override(language):
        return call()


def _call(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    kept = connection.connection
    try:
        return work(*arguments, **named)
    except DatabaseFailure:
        # A transaction that could not even be rolled back has another connection by now, or has waited for one in vain.
        found = connection.connection
        is_lost = found is not None and (found is not kept or not connection.is_usable())
        connection.close()
        if kept is None or not is_lost:
            raise
    # A server that was restarted since the last call costs nobody's message; a new connection waits for it.
    try:
        return work(*arguments, **named)
    except DatabaseFailure:
        connection.close()
        raise
