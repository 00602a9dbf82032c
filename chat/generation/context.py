"""From a conversation to the request that its worker gets: prompt, images, parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chat.images.preprocess import original_jpeg, prepared
from chat.models import ChatModel, Conversation, Image, Message, Upload
from chat.parameters import Parameters
from chat.prompts.families import FAMILIES
from chat.prompts.messages import messages as chat_messages
from chat.prompts.render import Turn, render
from chat.registry import protocol_of, template_of
from chat.workers.protocols import PROTOCOLS, GenerationRequest, Protocol


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
    protocol: Protocol
    template: str
    system: str
    turns: Sequence[Turn]
    images: Sequence[Image]
    parameters: Parameters
    beginning: str = ""

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
        protocol=PROTOCOLS[protocol_of(model)],
        template=(as_begun and conversation.template) or template_of(model),
        system=conversation.system_message if as_begun else model.system_message,
        turns=[
            Turn("assistant" if message.is_reply else "user", message.text, len(uploads))
            for message, uploads in path
        ],
        images=[upload.image for _, uploads in path for upload in uploads],
        parameters=parameters,
        beginning=beginning,
    )


def build(context: Context) -> GenerationRequest:
    """Render the prompt and prepare the images. Reads files; touches no database.

    Raises `ContextError` when a picture's file or the template is gone, or the protocol takes no beginning.
    """
    values = context.parameters
    common: dict[str, Any] = {
        "model": context.model,
        "temperature": values["temperature"],
        "top_p": values["top_p"],
        "max_new_tokens": values["max_output_tokens"],
        "max_input_tiles": values["max_input_tiles"],
    }
    mode = str(values["image_mode"])
    if context.beginning and not context.protocol.continues:
        raise ContextError("not_continuable", context.protocol.name)
    if context.protocol.name == "internvl2":
        prompt = chat_messages(context.system, context.turns)
        used = {index for message in prompt for index in message.images}
        pictures = [_png(image, mode) if index in used else b"" for index, image in enumerate(context.images)]
        return GenerationRequest(prompt=prompt, images=pictures, **common)
    family = FAMILIES.get(context.template)
    if family is None:
        raise ContextError("prompt_unknown", context.template)
    rendered = render(family, context.system or None, context.turns, context.beginning)
    chosen = [context.images[index] for index in rendered.image_indexes]
    return GenerationRequest(
        prompt=rendered.prompt,
        stop=rendered.stop,
        images=[_png(image, mode) for image in chosen],
        original_images=[_jpeg(image) for image in chosen],
        **common,
    )


def _png(image: Image, mode: str) -> bytes:
    try:
        return prepared(image, mode)
    except OSError as error:
        raise ContextError("image_lost", f"{image.md5}: {error}") from None


def _jpeg(image: Image) -> bytes:
    try:
        return original_jpeg(image)
    except OSError as error:
        raise ContextError("image_lost", f"{image.md5}: {error}") from None
