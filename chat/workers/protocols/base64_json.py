"""Write files into JSON as base64 without holding everybody else up."""

from binascii import b2a_base64

import msgspec

# A multiple of three, so that pieces join without padding between them. Encoding holds Python's lock: a picture
# of ten megabytes at once would stop every other reply for tens of milliseconds.
_PIECE = 3 * 64 * 1024


def base64_json(data: bytes, before: bytes = b"") -> msgspec.Raw:
    """Return bytes as a JSON string in base64, which may begin with something else."""
    view = memoryview(data)
    pieces = [b2a_base64(view[at : at + _PIECE], newline=False) for at in range(0, len(data), _PIECE)]
    return msgspec.Raw(b'"' + before + b"".join(pieces) + b'"')
