"""A loaded vision-language model: prepare a conversation for it, and generate its reply."""

import copy
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from chat.model_worker.decoding import PLACES, Decoding
from chat.model_worker.pictures import tile_limit
from chat.model_worker.replies import ContextFull, OutOfMemory, Reply
from chat.prompts.neutral import neutralise
from chat.serving.messages import BadRequest, Message, MessagesRequest
from chat.serving.pictures import decode

_GREEDY_BELOW = 0.001  # as in LLaVA's worker: less would divide by almost nothing


class VisionModel:
    """A model and its processor, for several threads at once.

    Each of `at_once` generations runs on a copy of the model that shares its weights: some keep what belongs to the
    reply under way in themselves, as positions or the frequencies of long contexts. With a `seed` each reply begins
    with it.
    """

    def __init__(self, model: Any, processor: Any, at_once: int, seed: int | None = None) -> None:
        self._model = model
        self._processor = processor
        self._seed = seed
        self._preparing = threading.Lock()  # tokenizers and their settings are for one thread
        self._decoder = copy.deepcopy(processor.tokenizer)
        self._control = _control_strings(processor)
        self._left_out = frozenset(_tokens_without_text(self._decoder))
        self._context: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self._copies: SimpleQueue[Any] = SimpleQueue()
        for _ in range(at_once):
            self._copies.put(sharing_weights(model))

    def decoding(self) -> Decoding:
        return Decoding(lambda tokens: self._decoder.decode(tokens), self._left_out)

    def prepare(self, request: MessagesRequest) -> Any:
        """Apply the processor's chat template, with which pictures get their places in the prompt."""
        conversation = [
            self._message(message)
            for message in request.prompt
            if message.role != "system" or message.content.strip()
        ]
        most = max(len(message.image) for message in request.prompt)
        try:
            with self._preparing:
                return self._processor.apply_chat_template(
                    conversation,
                    add_generation_prompt=True,
                    tokenize=True,
                    return_dict=True,
                    return_tensors="pt",
                    processor_kwargs=self._tiles(request.tiles, most),
                )
        except TemplateError as error:
            raise BadRequest(f"The model's chat template refuses this conversation: {error}") from error

    def generate(
        self, inputs: Any, request: MessagesRequest, tell: Callable[[int], None], stop: threading.Event
    ) -> Reply:
        prompt_tokens = int(inputs["input_ids"].shape[1])
        limit = self._limit(prompt_tokens, request.tokens)
        told: list[int] = []

        def take(token: int) -> None:
            told.append(token)
            tell(token)

        model = self._copies.get()
        try:
            if self._seed is not None:
                torch.manual_seed(self._seed)
            model.generate(
                **inputs.to(model.device, dtype=model.dtype),
                generation_config=self._settings(request, limit),
                streamer=_Streamer(take),
                stopping_criteria=StoppingCriteriaList([_Stop(stop)]),
            )
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(str(error).partition(". ")[0]) from None
        finally:
            self._copies.put(model)
            del model, inputs
        return Reply(prompt_tokens, len(told), len(told) == limit and told[-1] not in self._ends())

    def _limit(self, prompt_tokens: int, asked: int) -> int:
        if asked < 1:
            raise BadRequest("A reply of no tokens can't be written; allow more output tokens.")
        if self._context is None:
            return asked
        if prompt_tokens >= self._context:
            raise ContextFull(
                f"The conversation with its pictures has {prompt_tokens} tokens, and the model's context holds "
                f"{self._context}."
            )
        return min(asked, self._context - prompt_tokens)

    def _settings(self, request: MessagesRequest, limit: int) -> Any:
        """Give the model's own settings with those of the request, which alone says how tokens are drawn."""
        settings = copy.deepcopy(self._model.generation_config)
        sampled = request.temperature > _GREEDY_BELOW
        settings.update(
            max_new_tokens=limit,
            max_length=None,
            min_length=0,
            num_beams=1,
            do_sample=sampled,
            temperature=request.temperature if sampled else 1.0,
            top_p=request.top_p if sampled else 1.0,
            top_k=0 if sampled else None,
            repetition_penalty=request.repetition_penalty,
        )
        return settings

    def _ends(self) -> set[int]:
        ends = self._model.generation_config.eos_token_id
        return set(ends) if isinstance(ends, list) else {ends}

    def _message(self, message: Message) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [{"type": "image", "image": decode(one).image} for one in message.image]
        if message.content or not parts:
            parts.append({"type": "text", "text": neutralise(message.content, self._control)})
        return {"role": message.role, "content": parts}

    def _tiles(self, tiles: int, pictures: int) -> dict[str, int]:
        """Share the tiles among the pictures of a message, as InternVL2's worker does, where tiles are known."""
        if not pictures or not (limit := tile_limit(self._processor.image_processor)):
            return {}
        name, most = limit
        return {name: max(1, min(tiles // pictures, most))}


class _Streamer(BaseStreamer):
    """Tell each token that is generated; what `generate` puts first is the prompt."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._began = False

    def put(self, value: torch.Tensor) -> None:
        if self._began:
            for token in value.reshape(-1).tolist():
                self._tell(token)
        self._began = True

    def end(self) -> None:
        pass


class _Stop(StoppingCriteria):
    """Stop when nobody reads any more."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), self._stop.is_set(), device=input_ids.device)


def sharing_weights(model: Any) -> Any:
    """Copy a model's objects, but none of its weights."""
    shared = [*model.parameters(), *model.buffers()]
    return copy.deepcopy(model, {id(one): one for one in shared})


def _tokens_without_text(tokenizer: Any) -> set[int]:
    added = tokenizer.added_tokens_decoder.items()
    special = set(tokenizer.all_special_ids) | {number for number, token in added if token.special}
    return special - {number for number, token in added if token.content in PLACES}


def _control_strings(processor: Any) -> tuple[str, ...]:
    """List what the tokenizer or the processor acts upon, and a visitor may not type."""
    added = processor.tokenizer.added_tokens_decoder.values()
    found = {token.content for token in added if token.special and token.content not in PLACES}
    found |= {str(getattr(processor, f"{kind}_token", "") or "") for kind in ("image", "video", "audio")}
    return tuple(sorted(string for string in found if len(string) > 1 and not string.isspace()))
