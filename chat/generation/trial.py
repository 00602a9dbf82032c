"""Ask a model at one backend what an administrator wants to try: nothing is stored but that it was tried."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from django.conf import settings
from django.utils.translation import gettext as _

from chat import events, parameters
from chat.failures import WORDS
from chat.generation.context import Context, ContextError, build
from chat.generation.direct import Place, ask, place_of, worker_at
from chat.images.unstored import unstored
from chat.model_limits import check_characters, check_images
from chat.models import AuditEntry, Backend, Placement
from chat.prompts.render import Turn
from chat.refusals import Refused
from chat.workers.errors import WorkerError
from chat.workers.protocols import Chunk
from chat.workers.stream import Sent

MOST_AT_ONCE = 4  # of a process: trials stand in no line
MOST_SECONDS = 120.0
PICTURES = ("chart.png", "landscape.png", "receipt.png", "shapes.png")  # that the site ships as examples
_EXAMPLES = settings.BASE_DIR / "static" / "examples"
_running = 0


@dataclass(frozen=True)
class Trial:
    """What is to be asked where."""

    place: Place
    context: Context


def prepare(backend: Backend, model: str, prompt: str, picture: str, actor: int | None) -> Trial:
    """Put together a trial of a model that a backend lists, and write into the audit log that it was made.

    `picture` is one of `PICTURES`, or empty. Raises `Refused` that names the field.
    """
    prompt = prompt.strip()
    placed = Placement.objects.select_related("model", "backend").filter(backend=backend, listed=True)
    placement = placed.filter(model__name=model).first() if "\0" not in model else None
    if placement is None:
        raise Refused("model_unknown", _("The backend does not list this model."), "model")
    if not prompt:
        raise Refused("message_empty", _("Write a prompt."), "prompt", 1)
    check_characters(len(prompt), placement.model)
    if picture and picture not in PICTURES:
        raise Refused("image_unknown", _("The site ships no such picture."), "picture")
    images = [unstored((_EXAMPLES / picture).read_bytes())] if picture else []
    check_images(placement.model, len(images))
    if _running >= MOST_AT_ONCE:
        text = _("%(limit)s prompts are being tried already. Wait for one, or stop it.")
        raise Refused("too_many_trials", text % {"limit": MOST_AT_ONCE}, "prompt", MOST_AT_ONCE)
    place = place_of(placement)
    context = Context(
        model=placement.model.name,
        template=place.template,
        system=placement.model.system_message,
        turns=[Turn("user", prompt, len(images))],
        images=images,
        parameters=parameters.resolve(events.Parameters(), placement.model),
        repetition_penalty=placement.model.repetition_penalty,
    )
    AuditEntry.objects.create(
        actor_id=actor,
        action="try",
        target=f"backend {backend.pk}",
        detail={"model": model, "name": backend.name},
    )
    return Trial(place, context)


async def answer(trial: Trial) -> AsyncIterator[bytes]:
    """Give the answer as it comes, a JSON object a line: `text` so far, and at the end `done` or `error`.

    Whoever stops reading ends it: the connection to the worker closes then.
    """
    global _running
    _running += 1
    begun, first = time.monotonic(), None
    told = _Newest()
    task = asyncio.create_task(_ask(trial, told))
    task.add_done_callback(lambda _task: told.changed.set())
    try:
        while not (task.done() and told.chunk is None):
            await told.changed.wait()
            told.changed.clear()
            if chunk := told.take():
                first = first if first is not None else time.monotonic() - begun
                yield _line(text=chunk.text)
        await task
    except (WorkerError, ContextError) as error:
        yield _line(error={"code": error.code, "text": str(WORDS[error.code].text), "detail": error.detail})
    else:
        tokens = told.sent.last.output_tokens if told.sent and told.sent.last else None
        seconds = time.monotonic() - begun
        yield _line(done={"worker": told.worker, "first": first, "seconds": seconds, "tokens": tokens})
    finally:
        _running -= 1
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, WorkerError, ContextError):
            await task


class _Newest:
    """The newest text, which takes the place of one that nobody has read yet."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.chunk: Chunk | None = None
        self.sent: Sent | None = None
        self.worker = ""

    def note(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.changed.set()

    def take(self) -> Chunk | None:
        chunk, self.chunk = self.chunk, None
        return chunk

    def ended(self, sent: Sent) -> None:
        self.sent = sent


async def _ask(trial: Trial, told: _Newest) -> None:
    told.worker = await worker_at(trial.place)
    context = trial.context
    await ask(
        trial.place,
        told.worker,
        lambda protocol, own: build(context, protocol, own),
        told.note,
        MOST_SECONDS,
        told.ended,
    )


def _line(**said: Any) -> bytes:
    return msgspec.json.encode(said) + b"\n"
