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
