"""Cut a worker's body into frames, without any network."""

from .errors import WorkerBrokeOff, WorkerOversized, excerpt

MAX_FRAME = 16 * 1024 * 1024


class NulDecoder:
    """Split a body into frames, each ended by one NUL byte, and keep only the newest.

    Texts are cumulative, so an older frame says nothing that the newest doesn't: older ones are dropped
    unparsed, but for the one right before the newest, which is what remains when the newest turns out to be
    bad. Empty frames are skipped. However the body is cut, the last frame and the error are the same, and
    each byte is searched once. No frame may be longer than `max_frame` bytes.
    """

    frames = 0  # that were completed

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._max_frame = max_frame
        self._rest = bytearray()
        self._newest: bytes | None = None
        self._previous: bytes | None = None

    def feed(self, data: bytes) -> bool:
        """Take the next bytes of the body; return whether they completed a frame.

        Raises WorkerOversized when a frame grows beyond the limit; a frame before it can still be taken.
        """
        *ended, rest = data.split(b"\0")
        completed = False
        for piece in ended:
            if self._rest:
                self._rest += piece
                piece = bytes(self._rest)
                self._rest.clear()
            self._check_size(len(piece))
            if piece:
                self._previous, self._newest = self._newest, piece
                self.frames += 1
                completed = True
        self._rest += rest
        self._check_size(len(self._rest))
        return completed

    def newest(self) -> bytes | None:
        """Take the newest complete frame, None when none was completed since the last call."""
        frame, self._newest = self._newest, None
        return frame

    def previous(self) -> bytes | None:
        """Take the frame right before the one that `newest` gave last, None when that was taken earlier."""
        frame, self._previous = self._previous, None
        return frame

    def finish(self) -> bytes | None:
        """End the body: take its last frame, None when that was taken before.

        Raises WorkerBrokeOff when bytes remain that no NUL ended; `newest` still gives the frame before them.
        """
        if self._rest.strip():
            raise WorkerBrokeOff(f"the body ended inside a frame: {excerpt(bytes(self._rest[:2000]))}")
        return self.newest()

    def clear(self) -> None:
        """Forget everything: an error's traceback can keep this object, and half of a frame may be megabytes."""
        self._rest.clear()
        self._newest = self._previous = None

    def _check_size(self, size: int) -> None:
        if size > self._max_frame:
            raise WorkerOversized(f"a frame is longer than {self._max_frame} bytes")


class SseDecoder:
    """Split a body of server-sent events into their data.

    Lines end in LF or CRLF, an event ends with an empty one; comments and fields other than `data` are skipped.
    What was completed waits in `events`. Each byte is searched once. No event may be longer than `max_frame`.
    """

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._max_frame = max_frame
        self._rest = bytearray()
        self._lines: list[bytes] = []
        self._size = 0
        self.events: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body. Raises WorkerOversized; events before that remain."""
        *ended, rest = data.split(b"\n")
        for line in ended:
            if self._rest:
                self._rest += line
                line = bytes(self._rest)
                self._rest.clear()
            self._take(line)
        self._rest += rest
        self._check_size(len(self._rest))

    def finish(self) -> bytes | None:
        """End the body: give the data of an event that no empty line ended, None when there is none."""
        if self._rest:
            self._take(bytes(self._rest))
            self._rest.clear()
        left, self._lines = b"\n".join(self._lines), []
        return left or None

    def clear(self) -> None:
        """Forget everything (see NulDecoder)."""
        self._rest.clear()
        self._lines, self.events = [], []

    def _take(self, line: bytes) -> None:
        if line.endswith(b"\r"):
            line = line[:-1]
        if line.startswith(b"data:"):
            self._lines.append(line[6:] if line.startswith(b"data: ") else line[5:])
            self._size += len(line)
            self._check_size(self._size)
        elif not line and self._lines:
            self.events.append(self._lines[0] if len(self._lines) == 1 else b"\n".join(self._lines))
            self._lines, self._size = [], 0

    def _check_size(self, size: int) -> None:
        if size > self._max_frame:
            raise WorkerOversized(f"an event is longer than {self._max_frame} bytes")
