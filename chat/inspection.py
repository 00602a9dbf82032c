"""What a model was sent for a reply, built again from what is stored, and whether it is the very same."""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from chat import parameters
from chat.conversations import branch
from chat.failures import failure
from chat.generation.context import ContextError, Plan, context_of, digest, plan
from chat.generation.templates import is_told, kept
from chat.images.as_sent import address_of, size_as
from chat.images.blocks import is_blocked
from chat.images.preprocess import JPEG
from chat.images.signed import signed_query
from chat.images.tiles import Tiling, tilings
from chat.models import Message, ParameterRange, ReplyState, Upload
from chat.prompts.fastchat import ConvTemplate
from chat.prompts.marks import pieces
from chat.prompts.neutral import IMAGE
from chat.prompts.thinking import answer_in
from chat.registry import protocols_of
from chat.workers.protocols import PROTOCOLS, Protocol
from chat.workers.protocols.openai_errors import SPARED


@dataclass(frozen=True)
class Viewer:
    """Who looks: its own visitor, or staff. A frame of another site needs addresses that open without a cookie."""

    is_staff: bool = False
    sees_pictures: bool = True
    needs_signature: bool = False


def inspect(reply: Message, viewer: Viewer) -> dict[str, Any]:
    """Tell all about how a reply came to be, worded for the page. docs/http.md describes the format.

    `reply` is as `own_reply` and `any_reply` give it.
    """
    told: dict[str, Any] = {
        "verdict": "unknown",
        "facts": facts(reply, viewer.is_staff),
        "words": _labels(),
        "prompt": [],
        "pictures": [],
        "request": None,
    }
    if reply.conversation.source or reply.parent is None or reply.model is None:
        told["text"] = _("This comes from another server's log. What its model was sent is not known here.")
        return told
    path = branch(reply.parent)
    protocol = PROTOCOLS.get(reply.protocol) or _likely_protocol(reply)
    own = kept(reply.template)
    was_told = is_told(reply.template) or (protocol.tells_template and not reply.template)
    if was_told and reply.request_hash and own is None:
        told["text"] = _(
            "The model's server told its own prompt template, which is not kept. This can't be built again."
        )
        return told
    try:
        planned = _planned(reply, path, protocol, own)
    except ContextError as error:
        problem = failure(error.code)
        told["text"] = problem.text if problem else error.code
        return told
    told["verdict"] = _verdict(reply, planned, protocol)
    told["text"] = _verdicts()[told["verdict"]]
    told["prompt"] = _prompt(planned)
    told["pictures"] = _pictures(path, planned, protocol, viewer)
    told["request"] = _request(planned, protocol)
    return told


def own_reply(visitor_key: uuid.UUID, reply: uuid.UUID) -> Message | None:
    """Find a visitor's own reply."""
    return _with_context(Message.objects.owned_by(visitor_key), reply)


def any_reply(reply: uuid.UUID) -> Message | None:
    """Find a reply for staff, who see what visitors have deleted while it is still there."""
    return _with_context(Message.objects.all(), reply)


def _with_context(messages: Any, reply: uuid.UUID) -> Message | None:
    related = ("model", "continues", "parent", "conversation__model")
    return messages.replies().select_related(*related).filter(pk=reply).first()


def _likely_protocol(reply: Message) -> Protocol:
    assert reply.model is not None
    found = protocols_of(reply.model)
    return next((each for each in found if each.continues or not reply.continues), found[0])


def _planned(
    reply: Message,
    path: Sequence[tuple[Message, Sequence[Upload]]],
    protocol: Protocol,
    own: ConvTemplate | None,
) -> Plan:
    assert reply.model is not None
    beginning = reply.continues.text if reply.continues else ""
    # What it was asked before there was a parameter tells nothing of it.
    values = {name: each["default"] for name, each in parameters.ranges().items()} | reply.parameters
    context = context_of(reply.conversation, reply.model, values, path, beginning)
    template = "" if own else reply.template or context.template
    planned = plan(replace(context, template=template), protocol, own)
    if protocol.name == "openai" and reply.request_hash:
        # What its server did not take then, it was asked without.
        for without in _choices(SPARED):
            request = replace(planned.request, without=without)
            if digest(request, protocol) == reply.request_hash:
                return replace(planned, request=request)
    return planned


def _choices(names: Sequence[str]) -> Iterator[frozenset[str]]:
    """Give every choice of some of these names, the smallest first."""
    for count in range(len(names) + 1):
        yield from map(frozenset, combinations(names, count))


def _verdict(reply: Message, planned: Plan, protocol: Protocol) -> str:
    if reply.request_hash:
        return "exact" if digest(planned.request, protocol) == reply.request_hash else "changed"
    # Before the hash was kept, or where the site broke off, one may have been asked.
    was_asked = reply.first_answered or reply.error_code.startswith("worker_")
    may_have_been = reply.state in (ReplyState.STREAMING, ReplyState.INTERRUPTED)
    return "unknown" if was_asked or may_have_been else "not_sent"


def _verdicts() -> dict[str, str]:
    return {
        "exact": _("This is exactly what was sent."),
        "changed": _("The settings have changed since. This is what would be sent now, not what was sent."),
        "unknown": _("It was not noted what was sent. This is what would be sent now."),
        "not_sent": _("No model was asked. This is what would be sent."),
    }


def _labels() -> dict[str, str]:
    return {
        "prompt": _("Prompt"),
        "pictures": _("Images"),
        "facts": _("Reply"),
        "request": _("Request"),
        "request_hint": _("As JSON, without the images, whose places are empty."),
        "copy_prompt": _("Copy prompt"),
        "copy_request": _("Copy request"),
        "copied": _("Copied"),
        "control": _("control string: the model or its server acts upon it"),
        "defused": _("typed control string: an invisible sign in it makes it ordinary text"),
        "hidden": _("invisible sign"),
    }


def facts(reply: Message, is_staff: bool) -> list[tuple[str, str]]:
    """Give what is known of a reply as labels and values; workers' addresses are for staff."""
    model = reply.model.name if reply.model else reply.conversation.model.name
    template = _("told by the worker") if is_told(reply.template) else reply.template
    found: list[tuple[str, Any]] = [(_("Model"), model)]
    if is_staff:
        found += [(_("Worker"), reply.worker), (_("Hash of the request"), reply.request_hash)]
    found += [(_("Protocol"), reply.protocol), (_("Prompt template"), template)]
    labels = {**dict(ParameterRange.Name.choices), "image_mode": _("Image mode")}
    found += [(str(labels.get(name, name)), value) for name, value in reply.parameters.items()]
    found += [
        (_("Asked"), reply.created.isoformat(sep=" ", timespec="seconds")),
        (_("Waited in line"), _seconds(reply.created, reply.sent)),
        (_("To the first word"), _seconds(reply.sent, reply.first_answered)),
        (_("Whole reply"), _seconds(reply.sent, reply.finished)),
        (_("Tokens of the request"), reply.prompt_tokens),
        (_("Tokens of the reply"), reply.output_tokens),
        *_speed(reply),
        (_("Characters of thinking"), _thought(reply.text)),
        (_("Ended because"), reply.finish_reason),
    ]
    return [(label, str(value)) for label, value in found if value not in ("", None)]


def _seconds(start: datetime | None, end: datetime | None) -> str:
    return _("%(seconds)s s") % {"seconds": f"{(end - start).total_seconds():.2f}"} if start and end else ""


def _speed(reply: Message) -> list[tuple[str, str]]:
    if reply.first_answered is None or reply.finished is None:
        return []
    seconds = (reply.finished - reply.first_answered).total_seconds()
    if seconds <= 0:
        return []
    if reply.output_tokens:
        return [(_("Tokens a second"), f"{reply.output_tokens / seconds:.1f}")]
    written = len(reply.text) - (len(reply.continues.text) if reply.continues else 0)
    return [(_("Characters a second"), f"{written / seconds:.1f}")]


def _thought(text: str) -> int | None:
    """Count the characters before the answer, with the marks around them; None of a reply without thoughts."""
    return (len(text.strip()) - len(answer_in(text))) or None


def _prompt(planned: Plan) -> list[dict[str, Any]]:
    prompt = planned.request.prompt
    if isinstance(prompt, str):
        return [{"role": "", "pieces": pieces(prompt, planned.control), "pictures": []}]
    roles = {"system": _("System message"), "user": _("User"), "assistant": _("Assistant")}
    numbers = _numbers(planned)
    return [
        {
            "role": roles[message.role],
            "pieces": pieces(message.content, (IMAGE,)),
            "pictures": [numbers[index] for index in message.images],
        }
        for message in prompt
    ]


def _request(planned: Plan, protocol: Protocol) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(msgspec.json.encode(protocol.body(planned.request)))
    for message in body.get("messages", ()):
        for part in message["content"] if isinstance(message["content"], list) else ():
            if "image_url" in part:
                part["image_url"]["url"] = ""  # what kind of file it is, an empty one does not tell
    return body


def _numbers(planned: Plan) -> dict[int, int]:
    """Number the pictures that are sent from 1, by their places in the request."""
    places = [place for place, image in enumerate(planned.pictures) if image is not None]
    return {place: number for number, place in enumerate(places, 1)}


def _pictures(
    path: Sequence[tuple[Message, Sequence[Upload]]], planned: Plan, protocol: Protocol, viewer: Viewer
) -> list[dict[str, Any]]:
    images = [image for image in planned.pictures if image is not None]
    uploads = {upload.image_id: upload for _, several in path for upload in several}
    cut = _tilings(planned, protocol)
    return [
        {
            "number": number,
            **_picture(uploads[image.pk], planned.form, viewer),
            "tiles": asdict(tiling) if tiling else None,
            "tiles_text": _tiles_text(tiling),
        }
        for number, (image, tiling) in enumerate(zip(images, cut, strict=True), 1)
    ]


def _picture(upload: Upload, form: str, viewer: Viewer) -> dict[str, Any]:
    image = upload.image
    width, height = size_as(image, form)
    problem = ""
    if not viewer.sees_pictures:
        problem = _("You may not view images.")
    elif is_blocked(image) and not viewer.is_staff:
        problem = _("This image is not shown any more.")
    file = "JPEG" if form == JPEG else "PNG"
    values = {"file": file, "width": width, "height": height, "mode": form}
    changed = _("%(file)s, %(width)s × %(height)s pixels, %(mode)s") % values
    plain = _("%(file)s, %(width)s × %(height)s pixels, unchanged") % values
    return {
        "name": upload.name or _("Image"),
        "md5": image.md5,
        "width": width,
        "height": height,
        "text": changed if form in ("Pad", "Resize") else plain,
        "url": ""
        if problem
        else address_of(upload, form) + (viewer.needs_signature * signed_query(upload.pk)),
        "problem": problem,
        "lost": _("This image can't be read. A request that needs it fails."),
    }


def _tilings(planned: Plan, protocol: Protocol) -> list[Tiling | None]:
    request, form = planned.request, planned.form
    groups = [range(len(planned.pictures))]
    if not isinstance(request.prompt, str):
        groups = [message.images for message in request.prompt]  # type: ignore[misc]
    sizes = [
        [size_as(image, form) for place in group if (image := planned.pictures[place]) is not None]
        for group in groups
    ]
    return tilings(request.model, protocol.name, sizes, request.max_input_tiles)


def _tiles_text(tiling: Tiling | None) -> str:
    if tiling is None:
        return _("How this model's server cuts it into tiles is not known here.")
    values = {"columns": tiling.columns, "rows": tiling.rows, "size": tiling.tile}
    if tiling.thumbnail:
        words = _("Computed: %(columns)s × %(rows)s tiles of %(size)s pixels, and a small copy of the whole")
    else:
        words = _("Computed: %(columns)s × %(rows)s tiles of %(size)s pixels")
    return words % values
