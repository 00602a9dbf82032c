"""Register with a controller and tell it, every now and then, that the worker is alive."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15.0
_FIRST_RETRY_SECONDS = 0.3
_LONGEST_RETRY_SECONDS = 5.0
_BETWEEN_BEATS_SECONDS = 0.2
_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Registration:
    """Keep a worker registered: at the start, and again after each heartbeat that finds it unknown."""

    def __init__(
        self,
        controller_address: str,
        worker_address: str,
        status: Callable[[], dict[str, Any]],
        heartbeat_due: asyncio.Event,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._controller_address = controller_address
        self._worker_address = worker_address
        self._status = status
        self._heartbeat_seconds = heartbeat_seconds
        self._due = heartbeat_due

    async def run(self) -> None:
        """Register, then beat until cancelled: every 15 s, and when `heartbeat_due` is set."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            await self._register(session)
            while True:
                await self._wait()
                if not await self._known(session):
                    await self._register(session)

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._due.wait(), self._heartbeat_seconds)
        except TimeoutError:
            return
        # Replies that start and end together make one heartbeat.
        await asyncio.sleep(_BETWEEN_BEATS_SECONDS)
        self._due.clear()

    async def _register(self, session: aiohttp.ClientSession) -> None:
        """Try until the controller takes the worker; quickly at first, for both may be starting just now."""
        pause, last_problem = _FIRST_RETRY_SECONDS, ""
        while True:
            problem, _ = await self._call(
                session,
                "/register_worker",
                {
                    "worker_name": self._worker_address,
                    "check_heart_beat": True,
                    "worker_status": self._status(),
                },
            )
            if not problem:
                logger.info("Registered %s with the controller", self._worker_address)
                return
            if problem != last_problem:
                logger.warning("Can't register with the controller yet: %s", problem)
            last_problem = problem
            await asyncio.sleep(pause)
            pause = min(pause * 1.2, _LONGEST_RETRY_SECONDS)

    async def _known(self, session: aiohttp.ClientSession) -> bool:
        """Send a heartbeat; False when the controller says that it doesn't know the worker."""
        problem, answer = await self._call(
            session,
            "/receive_heart_beat",
            {"worker_name": self._worker_address, "queue_length": self._status()["queue_length"]},
        )
        if problem:
            logger.warning("The controller took no heartbeat: %s", problem)
            return True
        return not (isinstance(answer, dict) and answer.get("exist") is False)

    async def _call(
        self, session: aiohttp.ClientSession, path: str, body: dict[str, Any]
    ) -> tuple[str, object]:
        """Give what went wrong, empty if nothing did, and the answer.

        The controller's address holds a secret, so no problem names it.
        """
        try:
            async with session.post(
                self._controller_address + path, json=body, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    return (
                        f"{path} answered {answer.status}: {(await answer.text(errors='replace'))[:300]}",
                        None,
                    )
                return "", await answer.json(content_type=None)
        except TimeoutError:
            return f"{path} did not answer in time", None
        except ValueError as error:
            return f"{path} answered with something that is no JSON: {error}", None
        except aiohttp.ClientError as error:
            return f"{path}: {type(error).__name__}", None
