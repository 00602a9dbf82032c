"""Ask a model at one backend past the line: nothing is stored, and no place of visitors is taken."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.conf import settings

from chat.backends import check_backend, key_of, protocol_of
from chat.controller.workers import pick_address
from chat.generation.dispatch import ask_controller
from chat.generation.templates import told_by
from chat.models import Backend, ChatModel, Placement, Worker
from chat.prompts.fastchat import ConvTemplate
from chat.registry import template_of
from chat.workers.errors import NoWorker
from chat.workers.protocols import PROTOCOLS, Chunk, GenerationRequest, Protocol
from chat.workers.stream import Sent, Timeouts, leaving_out, make_session, stream_reply

# Makes the request in the protocol in which the model is asked, with the template that its worker told of itself.
Build = Callable[[Protocol, ConvTemplate | None], GenerationRequest]


@dataclass(frozen=True)
class Place:
    """A model at a backend, with its prompt template; `worker` is empty where a controller is still to name one."""

    model: ChatModel
    template: str
    backend: Backend
    protocol: str
    worker: str


def place_of(placement: Placement) -> Place:
    """Choose a worker at the built-in controller, or none yet at one that is to be asked. Reads the database."""
    model, backend = placement.model, placement.backend
    worker = backend.url if backend.kind == Backend.Kind.OPENAI else ""
    if backend.kind == Backend.Kind.BUILT_IN:
        worker = pick_address(model.name)
    registered = Worker.objects.filter(address=worker).values_list("protocol", flat=True).first() or ""
    return Place(model, template_of(model), backend, protocol_of(model, backend.kind, registered), worker)


async def worker_at(place: Place) -> str:
    """Give the address that is to be asked. Raises a WorkerError."""
    backend, worker = place.backend, place.worker
    if backend.kind == Backend.Kind.OPENAI:
        await asyncio.to_thread(check_backend, backend.url)
    elif backend.kind != Backend.Kind.BUILT_IN:
        worker = await asyncio.to_thread(ask_controller, backend.url, place.model.name)
    if not worker:
        raise NoWorker(f"no worker serves {place.model.name!r}")
    return worker


async def ask(
    place: Place,
    worker: str,
    build: Build,
    show: Callable[[Chunk], None],
    seconds: float,
    on_end: Callable[[Sent], None] = lambda sent: None,
) -> None:
    """Show the answer as it comes, for up to `seconds`. Raises a WorkerError, or what `build` raises."""
    protocol, own = PROTOCOLS[place.protocol], None
    if protocol.tells_template and not place.template:
        own = await asyncio.to_thread(told_by, worker)
    limits = Timeouts(
        connect=settings.MMCHAT_CONNECT_TIMEOUT,
        first_token=settings.MMCHAT_FIRST_TOKEN_TIMEOUT,
        silence=settings.MMCHAT_SILENCE_TIMEOUT,
        whole=min(settings.MMCHAT_REPLY_TIMEOUT, seconds),
    )
    request = await asyncio.to_thread(build, protocol, own)
    async with make_session() as session:

        async def once(without: frozenset[str]) -> None:
            await stream_reply(
                session,
                worker,
                protocol,
                replace(request, without=without),
                show,
                key=key_of(place.backend.key_variable),
                timeouts=limits,
                on_end=on_end,
            )

        await leaving_out(set(), once)
