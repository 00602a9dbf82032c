"""Read the JSON frames that the NUL-framed protocols share."""

import msgspec

from ..errors import WorkerBadJson, WorkerBadUtf8, WorkerReportedError, excerpt


class Frame(msgspec.Struct):
    """Hold a frame's cumulative text and its error code, 0 or absent when all is well."""

    text: str | None = None
    error_code: int | None = 0


_decoder = msgspec.json.Decoder(Frame)


def text_of(frame: bytes) -> str:
    """Return a frame's text.

    A NUL character in it becomes U+FFFD: PostgreSQL can't store one, and the length must stay. Raises
    WorkerReportedError, WorkerBadJson or WorkerBadUtf8.
    """
    try:
        decoded = _decoder.decode(frame)
    except UnicodeDecodeError as error:
        raise WorkerBadUtf8(f"{error}: {excerpt(frame[:2000])}") from None
    # Deep nesting ends in a RecursionError.
    except (msgspec.DecodeError, RecursionError) as error:
        raise _bad(frame, str(error)) from None
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
