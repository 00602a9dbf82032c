"""Decode one hostile picture after another; `pool` runs this file as a process of its own.

Pillow and the standard library only, so that a child starts in some 60 ms and holds nothing worth stealing.

The pipes carry frames: four bytes of length, big-endian, then that many bytes. A job is two frames, JSON
`{"pixels", "side"}` (the most of each) and the picture's file. Its result is JSON `{"error", "detail"}`, or
JSON `{"md5", "width", "height", "difference_hash", "source_format"}` and three frames more: the picture as PNG,
as JPEG, and its thumbnail as WebP.
"""

import contextlib
import ctypes
import hashlib
import io
import json
import os
import resource
import signal
import struct
import sys
import time
import warnings
from collections.abc import Iterator
from typing import IO

from PIL import (
    GifImagePlugin,  # noqa: F401  imported here so that nothing is read from the disk once confined
    Image,
    JpegImagePlugin,  # noqa: F401
    MpoImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
THUMBNAIL_SIDE = 512
# With zlib-ng, level 2 takes no longer than level 1 and writes 5 to 10 % less; level 6 takes twice as long.
PNG_LEVEL = 2
JPEG_QUALITY = 90
_STRIP_ROWS = 64
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PR_SET_PDEATHSIG = 1


class Refused(Exception):
    """The picture is not taken; the argument is one of the codes of `chat.images.errors`."""


def write_frame(pipe: IO[bytes], payload: bytes) -> None:
    pipe.write(struct.pack(">I", len(payload)))
    pipe.write(payload)
    pipe.flush()


def read_frame(pipe: IO[bytes], most: int) -> bytes:
    """Read one frame of at most `most` bytes. Raises `EOFError` when the other end has gone or sends more."""
    head = pipe.read(4)
    if len(head) < 4:
        raise EOFError
    (length,) = struct.unpack(">I", head)
    if length > most:
        raise EOFError
    payload = pipe.read(length)
    if len(payload) < length:
        raise EOFError
    return payload


def decode(data: bytes, *, pixels: int, side: int) -> tuple[dict, bytes, bytes, bytes]:
    """Give what is told of a picture (see above), its PNG, its JPEG and its thumbnail.

    Raises `Refused`, and whatever Pillow raises on broken files.
    """
    picture = _open(data, pixels=pixels, side=side)
    source_format = "JPEG" if picture.format == "MPO" else str(picture.format)
    turn = _TURNS.get(_orientation(picture))
    picture.load()
    _check_size(picture, pixels=pixels, side=side)  # a GIF's first frame may be larger than its header says
    rgb = to_rgb(picture)
    picture.close()
    if turn is not None:
        rgb = rgb.transpose(turn)
    rgb.info.clear()  # Pillow would write the colour profile and the transparent colour from here
    about = {
        "md5": pixel_md5(rgb),
        "width": rgb.width,
        "height": rgb.height,
        "difference_hash": difference_hash(rgb),
        "source_format": source_format,
    }
    png = _saved(rgb, "PNG", compress_level=PNG_LEVEL)
    jpeg = _saved(rgb, "JPEG", quality=JPEG_QUALITY)
    rgb.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return about, png, jpeg, _saved(rgb, "WEBP", quality=75, method=4)


def to_rgb(picture: Image.Image) -> Image.Image:
    """Convert a picture of any mode to RGB: transparent parts on white, 16 bits cut to the upper 8.

    Opaque pictures come out as `convert("RGB")` gives them, which is what LLaVA hashed. Colour profiles are
    not applied.
    """
    if picture.mode.startswith("I;16"):
        # convert() would clip at 255 where Pillow's own readers of 16-bit colour take the upper byte.
        return picture.point(lambda value: value * (1 / 256)).convert("L").convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture)
    return paper


def pixel_md5(rgb: Image.Image) -> str:
    """Hash the pixels; the same as the MD5 of `rgb.tobytes()`, without a second copy of the picture."""
    digest = hashlib.md5(usedforsecurity=False)
    for top in range(0, rgb.height, _STRIP_ROWS):
        strip = rgb.crop((0, top, rgb.width, min(top + _STRIP_ROWS, rgb.height)))
        digest.update(strip.tobytes())
    return digest.hexdigest()


def difference_hash(rgb: Image.Image) -> int:
    """Give the 64-bit dHash as a signed integer: which of 9×8 grey pixels are darker than the next one."""
    grey = rgb.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    bits = 0
    for row in range(8):
        for column in range(8):
            place = row * 9 + column
            bits = bits << 1 | (grey[place + 1] > grey[place])
    return bits - (1 << 64) if bits >> 63 else bits


def _open(data: bytes, *, pixels: int, side: int) -> Image.Image:
    # Pillow refuses above twice this number, for some formats before it takes memory for the pixels.
    Image.MAX_IMAGE_PIXELS = -(-pixels // 2)
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise Refused("image_undecodable" if _looks_allowed(data) else "image_format") from None
    except Image.DecompressionBombError:
        raise Refused("image_too_many_pixels") from None
    _check_size(picture, pixels=pixels, side=side)
    return picture


def _check_size(picture: Image.Image, *, pixels: int, side: int) -> None:
    if picture.width * picture.height > pixels:
        raise Refused("image_too_many_pixels")
    if max(picture.size) > side:
        raise Refused("image_side_too_long")


def _looks_allowed(data: bytes) -> bool:
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")) or (
        data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    )


def _orientation(picture: Image.Image) -> int:
    # What a camera wrote about a picture may be broken in any way, and the picture be good all the same.
    with contextlib.suppress(Exception):
        return picture.getexif().get(_ORIENTATION, 1)
    return 1


def _saved(picture: Image.Image, file_format: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def confine(memory_bytes: int) -> None:
    """Limit this process to so much address space, no files, and the life of the thread that started it."""
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),  # pipes have no size, so this only forbids files
    ):
        with contextlib.suppress(
            ValueError, OSError
        ):  # macOS takes no RLIMIT_AS; the time-outs hold there too
            resource.setrlimit(limit, (value, value))
    if sys.platform == "linux":
        # The end of the input ends an idle child on every system; this ends a busy one too.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def _seconds_of_cpu(seconds: int) -> Iterator[None]:
    # The limit counts from the start of the process, which decodes many pictures.
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):  # the host's own limit is lower
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds + 1, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))


def _answer(head: bytes, data: bytes) -> tuple[dict, bytes, bytes, bytes] | tuple[dict]:
    try:
        return decode(data, **json.loads(head))
    except Refused as refused:
        return ({"error": str(refused), "detail": ""},)
    except MemoryError:
        return ({"error": "image_too_heavy", "detail": "MemoryError"},)
    except Exception as error:  # a hostile file may raise anything
        return ({"error": "image_undecodable", "detail": type(error).__name__},)


def main() -> None:
    """Answer jobs until the input ends. Arguments: bytes of memory, seconds of CPU for each picture."""
    memory_bytes, cpu_seconds = (int(argument) for argument in sys.argv[1:3])
    jobs, results = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not run into the results
    warnings.simplefilter("ignore")
    confine(memory_bytes)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            head, data = read_frame(jobs, 1000), read_frame(jobs, memory_bytes)
            with _seconds_of_cpu(cpu_seconds):
                about, *files = _answer(head, data)
            write_frame(results, json.dumps(about).encode())
            for file in files:
                write_frame(results, file)


if __name__ == "__main__":
    main()
