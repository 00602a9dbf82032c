"""How this process holds memory that it does not use."""

import contextlib
import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # numbers of mallopt(3)
_LARGE_PIECE = 1024 * 1024
_KEPT_FREE = 4 * 1024 * 1024


def give_back_freed_memory() -> None:
    """Return freed memory to the system, where the C library is glibc.

    By itself it adapts to the largest piece that was ever freed: after one picture or one broken frame of 16 MB
    it keeps tens of megabytes for good.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGE_PIECE)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_FREE)


def leave_what_is_loaded_to_itself() -> None:
    """Let the garbage collector pass over everything that exists now: modules, classes, settings.

    They never become garbage, and each full collection would look at all of them again while every reply waits.
    """
    gc.collect()
    gc.freeze()
