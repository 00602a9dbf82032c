"""Speak to OpenAI-compatible servers: vLLM, SGLang, LMDeploy, llama.cpp, Ollama, `transformers serve`, hosted APIs.

`POST {base}/chat/completions` answers with server-sent events, each a delta; the format is that of OpenAI's
API reference, "Chat completion chunk".
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from ..decoders import MAX_FRAME, SseDecoder
from ..errors import (
    WorkerBadJson,
    WorkerBadUtf8,
    WorkerBrokeOff,
    WorkerError,
    WorkerFiltered,
    WorkerOversized,
    excerpt,
)
from .base import Chunk, GenerationRequest, PromptMessage, Protocol
from .base64_json import base64_json
from .openai_errors import refusal, reported

_DONE = b"[DONE]"
# What the page folds as thinking; models that no server reads for write the same themselves.
THINK, THOUGHT = "<think>\n", "\n</think>\n\n"
# One that a model writes in its thoughts must not end them; the invisible sign in it makes it ordinary text.
_CLOSE, _CLOSE_AS_TEXT = "</think>", "<\u200b/think>"


def body(request: GenerationRequest) -> dict[str, Any]:
    """Return the request's fields; an empty system message is left out, for some templates refuse any."""
    if isinstance(request.prompt, str):
        raise TypeError("this protocol takes a list of messages, not a string")
    fields = {
        "model": request.model,
        "messages": [
            _message(message, request.images)
            for message in request.prompt
            if message.content or message.role != "system"
        ],
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_new_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.repetition_penalty:
        # None of OpenAI's own parameters: vLLM, SGLang, LMDeploy and others know it.
        fields["repetition_penalty"] = request.repetition_penalty
    if "max_tokens" in request.without:
        # The name that OpenAI's own models want by now; most other servers know the old one only.
        fields["max_completion_tokens"] = request.max_new_tokens
    return {name: value for name, value in fields.items() if name not in request.without}


def _message(message: PromptMessage, images: Sequence[bytes]) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.content}
    parts: list[dict[str, Any]] = [_image(images[index]) for index in message.images]
    if message.content:
        parts.append({"type": "text", "text": message.content})
    return {"role": message.role, "content": parts}


def _image(data: bytes) -> dict[str, Any]:
    kind = b"png" if data.startswith(b"\x89PNG") else b"jpeg"
    return {"type": "image_url", "image_url": {"url": base64_json(data, b"data:image/%b;base64," % kind)}}


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    message: _Delta | None = None  # of an answer that did not stream
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None
    # Older servers write an error without the field.
    object: str | None = None
    message: Any = None
    code: Any = None


_decoder = msgspec.json.Decoder(_Event)
_several = msgspec.json.Decoder(list[_Event])


class DeltaReader:
    """Read the deltas of one answer (see `Reader`): events wait until somebody wants the text.

    What the server tells apart as reasoning comes first, between marks; reasoning after the answer has begun is
    dropped. The body must end with `[DONE]`, or have named a reason to end.
    """

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._whole: bytearray | None = None  # the body of a server that does not stream
        self._begun = self._is_thinking = self._has_answer = False
        self._held = ""  # the end of the thoughts so far, which may be the beginning of a mark
        self._new: list[str] = []
        self._chunk = Chunk("")
        self._before_error: Chunk | None = None
        self.frames = 0
        self.ended = False

    def feed(self, data: bytes) -> bool:
        if self.ended:
            return False
        if not self._begun and (head := data.lstrip()):
            self._begun = True
            if head.startswith(b"{"):
                self._whole = bytearray()
        if self._whole is not None:
            self._whole += data
            if len(self._whole) > MAX_FRAME:
                raise WorkerOversized(f"an answer that does not stream is longer than {MAX_FRAME} bytes")
            return False
        events = self._sse.events
        before = len(events)
        self._sse.feed(data)
        if len(events) == before:
            return False
        if _DONE in events[before:]:
            self.ended = True
            del events[events.index(_DONE, before) :]
        self.frames += len(events) - before
        return len(events) > before

    def newest(self) -> Chunk | None:
        if not self._sse.events:
            return None
        events, self._sse.events = self._sse.events, []
        try:
            for event in _decoded(events):
                self._take(event)
        except WorkerError:
            self._before_error = self._grown()
            raise
        return self._grown()

    def previous(self) -> Chunk | None:
        chunk, self._before_error = self._before_error, None
        return chunk

    def finish(self) -> Chunk | None:
        if self._whole is not None:
            self._sse.events.append(bytes(self._whole))
            self.frames, self.ended = 1, True
        elif (left := self._sse.finish()) and not self.ended and left != _DONE:
            self._sse.events.append(left)
            self.frames += 1
        elif left == _DONE:
            self.ended = True
        chunk = self.newest()
        if not (self.ended or self._chunk.finish_reason) and self.frames:
            self._before_error = chunk
            raise WorkerBrokeOff("the body ended without a reason to end, and without [DONE]")
        if self._chunk.finish_reason == "content_filter" and not self._chunk.text:
            raise WorkerFiltered("finish_reason: content_filter")
        if self._is_thinking:
            self._new += [self._held, THOUGHT.rstrip()]
            return self._grown()
        return chunk

    def clear(self) -> None:
        self._sse.clear()
        self._whole = None

    def _take(self, event: _Event) -> None:
        if event.error is not None or event.object == "error":
            raise reported(event.error if event.error is not None else event)
        for choice in event.choices or ():
            if choice.index == 0:
                if said := choice.delta or choice.message:
                    self._say(said)
                if choice.finish_reason:
                    self._grown(finish_reason=choice.finish_reason)
        if usage := event.usage:
            self._grown(prompt_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens)

    def _say(self, said: _Delta) -> None:
        thought = said.reasoning_content or said.reasoning
        if thought and not self._has_answer:
            if not self._is_thinking:
                self._is_thinking = True
                self._new.append(THINK)
            self._think(thought)
        if not said.content:
            return
        if not self._has_answer and said.content.strip():
            self._has_answer = True
            if self._is_thinking:
                self._is_thinking = False
                self._new += [self._held, THOUGHT]
        # Line ends between reasoning and answer belong to neither.
        if not self._is_thinking:
            self._new.append(said.content)

    def _think(self, thought: str) -> None:
        thought = (self._held + thought).replace(_CLOSE, _CLOSE_AS_TEXT)
        begun = next((n for n in range(len(_CLOSE) - 1, 0, -1) if thought.endswith(_CLOSE[:n])), 0)
        whole = len(thought) - begun
        self._held = thought[whole:]
        self._new.append(thought[:whole])

    def _grown(self, **more: Any) -> Chunk:
        """Give the chunk with the text that is new since it was made. PostgreSQL can't store a NUL character."""
        if self._new or more:
            new = "".join(self._new)
            self._new.clear()
            text = self._chunk.text + (new.replace("\0", "\ufffd") if "\0" in new else new)
            self._chunk = msgspec.structs.replace(self._chunk, text=text, **more)
        return self._chunk


def _decoded(events: list[bytes]) -> Any:
    """Give the events, decoded at once where all are good; else up to the bad one, and raise its error."""
    if len(events) > 1:
        try:
            decoded = _several.decode(b"[" + b",".join(events) + b"]")
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
            pass
        else:
            # Two halves of an object, each an event, would be one.
            if len(decoded) == len(events):
                return decoded
    return map(_decode, events)


def _decode(event: bytes) -> _Event:
    try:
        return _decoder.decode(event)
    except UnicodeDecodeError as error:
        raise WorkerBadUtf8(f"{error}: {excerpt(event[:2000])}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise WorkerBadJson(f"{error}: {excerpt(event[:2000])}") from None


OPENAI = Protocol(
    "openai", "/chat/completions", body, lambda request: DeltaReader(), refusal, takes_messages=True
)
