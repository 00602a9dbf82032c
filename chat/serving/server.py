"""A worker's HTTP side: `/worker_get_status` and `/worker_generate_stream`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

_MOST_BYTES = 512 * 1024 * 1024  # some pictures of 25 megapixels as base64 of lossless files

Answer = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


class WorkerServer:
    """Answer as a worker does, at most `limit` requests at once; the others wait without a word.

    Like LLaVA's worker it is due to send a heartbeat whenever a reply begins or ends. `answer` gets a request and
    its body, and is cancelled when the client goes; its place is free when it has ended. `told` is what the status
    says beside the usual.
    """

    def __init__(
        self,
        model_name: str,
        limit: int,
        answer: Answer,
        heartbeat_due: asyncio.Event,
        told: dict[str, Any] | None = None,
    ) -> None:
        self._model_name = model_name
        self._answer = answer
        self._heartbeat_due = heartbeat_due
        self._told = told or {}
        self._slots = asyncio.Semaphore(limit)
        self._queue_length = 0

    def application(self) -> web.Application:
        """Give the aiohttp application; run it with `handler_cancellation`, or Stop would not stop it."""
        application = web.Application(client_max_size=_MOST_BYTES)
        application.router.add_post("/worker_get_status", self._get_status)
        application.router.add_post("/worker_generate_stream", self._generate_stream)
        return application

    def status(self) -> dict[str, Any]:
        """Give what a controller wants to know; the queue counts requests being answered and waiting."""
        return {
            "model_names": [self._model_name],
            "speed": 1,
            "queue_length": self._queue_length,
            **self._told,
        }

    async def _get_status(self, request: web.Request) -> web.Response:
        return web.json_response(self.status())

    async def _generate_stream(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self._queue_length += 1
        try:
            async with self._slots:
                self._heartbeat_due.set()
                return await self._answer(request, body)
        finally:
            self._queue_length -= 1
            self._heartbeat_due.set()
