"""What prompt templates workers tell of themselves: asked for once in a while, and kept for good."""

import asyncio
import hashlib
import logging
import time

import msgspec
from django.db import Error as DatabaseFailure

from chat.database import DatabaseThread
from chat.models import ToldTemplate
from chat.prompts.fastchat import ConvTemplate
from chat.workers.controller import conv_template
from chat.workers.errors import WorkerRejected

log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 60.0  # another model may be served at the address by then
_TOLD = "told:"  # begins the names of those that are kept; no family is called so


class WorkersTemplates:
    """Ask workers for their templates, each once in `ASK_AGAIN_SECONDS`."""

    def __init__(self, database: DatabaseThread) -> None:
        self._database = database
        self._known: dict[tuple[str, str], tuple[float, ConvTemplate | None]] = {}

    async def of(self, address: str, model: str) -> ConvTemplate | None:
        """Give the template of a model at a worker; None of one that knows no such call. Raises a WorkerError."""
        now = time.monotonic()
        self._known = {key: found for key, found in self._known.items() if found[0] > now - ASK_AGAIN_SECONDS}
        if (address, model) not in self._known:
            told = await asyncio.to_thread(told_by, address)
            if told:
                await self._keep(told)
            self._known[address, model] = (now, told)
        return self._known[address, model][1]

    async def _keep(self, template: ConvTemplate) -> None:
        try:
            await self._database.run(keep, template)
        except DatabaseFailure as error:
            # Who looks at such a reply later misses what it was sent; the reply itself needs nothing of this.
            log.warning("a template was not stored: %s", error)


def told_by(address: str) -> ConvTemplate | None:
    """Give the template that a worker tells; None of one that knows no such call. Blocks; raises a WorkerError."""
    try:
        return conv_template(address, ConvTemplate)
    except WorkerRejected:
        return None


def name_of(template: ConvTemplate) -> str:
    """Name a template that a worker told by what is in it."""
    return _TOLD + hashlib.sha256(msgspec.json.encode(template)).hexdigest()[:16]


def is_told(name: str) -> bool:
    """Tell whether a reply's template is one that a worker told, and no family of ours."""
    return name.startswith(_TOLD)


def keep(template: ConvTemplate) -> None:
    """Store a template by its name, once."""
    ToldTemplate.objects.get_or_create(
        pk=name_of(template), defaults={"told": msgspec.json.encode(template).decode()}
    )


def kept(name: str) -> ConvTemplate | None:
    """Give a template by its name; None where it is none of those that are kept."""
    row = ToldTemplate.objects.filter(pk=name).first() if is_told(name) else None
    return msgspec.json.decode(row.told, type=ConvTemplate) if row else None
