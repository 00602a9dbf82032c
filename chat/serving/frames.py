"""Write the frames of `/worker_generate_stream`: JSON with the whole text so far, each ended by a NUL."""

import json


def encode(text: str, error_code: int = 0) -> bytes:
    """Write one frame."""
    return json.dumps({"text": text, "error_code": error_code}).encode() + b"\0"


class Frames:
    """Build a reply's frames, each from the one before: a long text is escaped once, not once a token."""

    def __init__(self, echo: str = "") -> None:
        self._escaped = bytearray(_escape(echo))
        self._lengths: list[int] = []

    def add(self, piece: str) -> bytes:
        """Give the frame of the text with one more piece."""
        self._lengths.append(len(self._escaped))
        self._escaped += _escape(piece)
        return self.frame()

    def take_back(self, count: int) -> bytes:
        """Give the frame of the text without its last pieces."""
        for _ in range(min(count, len(self._lengths))):
            del self._escaped[self._lengths.pop() :]
        return self.frame()

    def frame(self) -> bytes:
        """Give the frame of the text as it is."""
        return b'{"text": "' + self._escaped + b'", "error_code": 0}\0'


def _escape(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()
