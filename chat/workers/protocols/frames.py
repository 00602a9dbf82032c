"""Read the JSON frames that the NUL-framed protocols share."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from ..decoders import NulDecoder
from ..errors import WorkerBadJson, WorkerBadUtf8, WorkerReportedError, excerpt
from .base import Chunk


class Frame(msgspec.Struct):
    """Hold a frame's cumulative text and its error code, 0 or absent when all is well."""

    text: str | None = None
    error_code: int | None = 0


F = TypeVar("F", bound=Frame)
_decoder = msgspec.json.Decoder(Frame)


class NewestFrame:
    """Read a body whose frames hold the whole text so far: only the newest one is parsed (see `Reader`)."""

    ended = False  # the body ends with its connection

    def __init__(self, parse: Callable[[bytes], Chunk]) -> None:
        self._parse = parse
        self._decoder = NulDecoder()
        self.feed, self.clear = self._decoder.feed, self._decoder.clear

    @property
    def frames(self) -> int:
        return self._decoder.frames

    def newest(self) -> Chunk | None:
        frame = self._decoder.newest()
        return None if frame is None else self._parse(frame)

    def previous(self) -> Chunk | None:
        frame = self._decoder.previous()
        return None if frame is None else self._parse(frame)

    def finish(self) -> Chunk | None:
        frame = self._decoder.finish()
        return None if frame is None else self._parse(frame)


def text_of(frame: bytes) -> str:
    """Return a frame's text. Raises WorkerReportedError, WorkerBadJson or WorkerBadUtf8."""
    return text_in(decode(frame, _decoder), frame)


def decode(frame: bytes, decoder: msgspec.json.Decoder[F]) -> F:
    """Return a frame as a typed value. Raises WorkerBadJson or WorkerBadUtf8."""
    try:
        return decoder.decode(frame)
    except UnicodeDecodeError as error:
        raise WorkerBadUtf8(f"{error}: {excerpt(frame[:2000])}") from None
    # Deep nesting ends in a RecursionError.
    except (msgspec.DecodeError, RecursionError) as error:
        raise _bad(frame, str(error)) from None


def text_in(decoded: Frame, frame: bytes) -> str:
    """Return the text of a decoded frame.

    A NUL character in it becomes U+FFFD: PostgreSQL can't store one, and the length must stay. Raises
    WorkerReportedError or WorkerBadJson.
    """
    if decoded.error_code:
        raise WorkerReportedError(f"error_code {decoded.error_code}: {excerpt(decoded.text or '')}")
    if decoded.text is None:
        raise _bad(frame, "no text")
    return decoded.text.replace("\0", "\ufffd") if "\0" in decoded.text else decoded.text


def _bad(frame: bytes, reason: str) -> WorkerBadJson | WorkerBadUtf8:
    try:
        frame.decode()
    except UnicodeDecodeError as error:
        return WorkerBadUtf8(f"{error}: {excerpt(frame[:2000])}")
    return WorkerBadJson(f"{reason}: {excerpt(frame[:2000])}")
