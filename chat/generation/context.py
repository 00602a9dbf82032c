"""From a conversation to the request that its worker gets: prompt, images, parameters."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from chat.images.preprocess import JPEG, UNCHANGED, sent_file
from chat.models import ChatModel, Conversation, Image, Message, Upload
from chat.parameters import Parameters
from chat.prompts.families import FAMILIES, choose_family
from chat.prompts.fastchat import IMAGE, ConvTemplate, UnknownStyle, render_template
from chat.prompts.messages import messages as chat_messages
from chat.prompts.render import Turn, render
from chat.registry import template_of
from chat.workers.protocols import GenerationRequest, Protocol


class ContextError(Exception):
    """A request can't be built any more; `code` is the reply's error."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Context:
    """What a reply answers, as it was when the visitor asked, and the text with which it begins."""

    model: str
    template: str
    system: str
    turns: Sequence[Turn]
    images: Sequence[Image]
    parameters: Parameters
    beginning: str = ""
    repetition_penalty: float | None = None

    @property
    def question(self) -> str:
        return self.turns[-1].text


def context_of(
    conversation: Conversation,
    model: ChatModel,
    parameters: Parameters,
    path: Sequence[tuple[Message, Sequence[Upload]]],
    beginning: str = "",
) -> Context:
    """Put together what a model is asked: the messages of `path`, the visitor's question last, with their images.

    A conversation keeps the template and system message that it began with, unless another model answers.
    """
    as_begun = model.pk == conversation.model_id
    return Context(
        model=model.name,
        template=(as_begun and conversation.template) or template_of(model),
        system=conversation.system_message if as_begun else model.system_message,
        turns=[
            Turn("assistant" if message.is_reply else "user", message.text, len(uploads))
            for message, uploads in path
        ],
        images=[upload.image for _, uploads in path for upload in uploads],
        parameters=parameters,
        beginning=beginning,
        repetition_penalty=model.repetition_penalty,
    )


@dataclass(frozen=True)
class Plan:
    """What a worker is asked, before any file is read: the request has an empty file in each picture's place.

    `pictures` are those places in order; None is one of a turn that is left out. `form` is how each is sent, and
    `control` what the model acts upon in a prompt that is one text.
    """

    request: GenerationRequest
    pictures: Sequence[Image | None]
    form: str
    control: Sequence[str] = ()


def plan(context: Context, protocol: Protocol, own: ConvTemplate | None = None) -> Plan:
    """Render the prompt as a protocol wants it, and choose the pictures. Reads no file, touches no database.

    `own` is the template that the worker told of itself, which is used where the conversation has none. Raises
    `ContextError` when the template is gone, or the protocol takes no beginning.
    """
    values = context.parameters
    common: dict[str, Any] = {
        "model": context.model,
        "temperature": values["temperature"],
        "top_p": values["top_p"],
        "max_new_tokens": values["max_output_tokens"],
        "max_input_tiles": values["max_input_tiles"],
        "repetition_penalty": context.repetition_penalty,
    }
    mode = str(values["image_mode"])
    if context.beginning and not protocol.continues:
        raise ContextError("not_continuable", protocol.name)
    if protocol.takes_messages:
        prompt = chat_messages(context.system, context.turns)
        used = {index for message in prompt for index in message.images}
        pictures = [image if index in used else None for index, image in enumerate(context.images)]
        # Hosted services count megabytes, and a photo as PNG has ten times those of its JPEG.
        form = JPEG if protocol.name == "openai" and mode in UNCHANGED else mode
        files = [b""] * len(pictures)
        return Plan(GenerationRequest(prompt=prompt, images=files, **common), pictures, form)
    if own and not context.template:
        return _by_own_template(context, own, common)
    name = template_used(context, protocol)
    family = FAMILIES.get(name)
    if family is None:
        raise ContextError("prompt_unknown", name)
    rendered = render(family, context.system or None, context.turns, context.beginning)
    text = rendered.prompt
    if protocol.tells_template:
        text = text.replace("<image>\n", IMAGE).replace("<image>", IMAGE)
    files = [b""] * len(rendered.image_indexes)
    request = GenerationRequest(
        prompt=text,
        stop=rendered.stop,
        images=files,
        original_images=[] if protocol.tells_template else files,
        **common,
    )
    pictures = [context.images[index] for index in rendered.image_indexes]
    return Plan(request, pictures, mode, (*family.control, IMAGE))


def _by_own_template(context: Context, own: ConvTemplate, common: dict[str, Any]) -> Plan:
    try:
        rendered = render_template(own, context.system or None, context.turns, context.beginning)
    except UnknownStyle as error:
        raise ContextError("template_unknown", str(error)) from None
    request = GenerationRequest(
        prompt=rendered.prompt,
        stop=rendered.stops or None,
        stop_token_ids=rendered.stop_token_ids,
        images=[b""] * len(rendered.image_indexes),
        **common,
    )
    pictures = [context.images[index] for index in rendered.image_indexes]
    return Plan(request, pictures, str(context.parameters["image_mode"]), own.control())


def template_used(context: Context, protocol: Protocol) -> str:
    """Name the family in which a prompt is rendered; empty where the worker does that."""
    if protocol.takes_messages:
        return ""
    return context.template or choose_family(context.model)


def build(context: Context, protocol: Protocol, own: ConvTemplate | None = None) -> GenerationRequest:
    """Render the prompt as `plan` does, and prepare the images. Reads files; touches no database.

    Raises `ContextError` as `plan` does, and when a picture's file is gone.
    """
    planned = plan(context, protocol, own)
    pictures = planned.pictures
    originals = pictures if planned.request.original_images else ()
    return replace(
        planned.request,
        images=[_file(image, planned.form) for image in pictures],
        original_images=[_file(image, JPEG) for image in originals],
    )


def without_pictures(request: GenerationRequest) -> GenerationRequest:
    """Give a request with an empty file in each picture's place, as `plan` does."""
    return replace(
        request,
        images=[b""] * len(request.images),
        original_images=[b""] * len(request.original_images),
    )


def digest(request: GenerationRequest, protocol: Protocol) -> str:
    """Give a short hash, 16 hexadecimal digits of SHA-256, of the body of a request without its pictures."""
    body = msgspec.json.encode(protocol.body(without_pictures(request)))
    return hashlib.sha256(body).hexdigest()[:16]


def _file(image: Image | None, form: str) -> bytes:
    if image is None:
        return b""
    try:
        return sent_file(image, form)
    except OSError as error:
        raise ContextError("image_lost", f"{image.md5}: {error}") from None
