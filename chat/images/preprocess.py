"""Pictures as workers get them."""

import io

import PIL.Image
from django.db.models.fields.files import FieldFile

from chat.images.decode import JPEG_QUALITY
from chat.models import Image

UNCHANGED = ("Default", "Crop")
IMAGE_MODES = (*UNCHANGED, "Pad", "Resize")
JPEG = "JPEG"  # no mode: the form of originals, and of what services take that count megabytes
_PAD_COLOUR = (122, 116, 104)  # the mean colour that CLIP's own preprocessing subtracts
RESIZED = (336, 336)


def prepared(image: Image, mode: str) -> bytes:
    """Give a picture as PNG in one of `IMAGE_MODES`, as LLaVA's server understands them.

    Default and Crop: as it is stored. Pad: in the middle of a square. Resize: scaled to 336×336 whatever its
    shape. Raises `ValueError` for another mode and `OSError` when the file can't be read.
    """
    if mode not in IMAGE_MODES:
        raise ValueError(f"No image mode {mode!r}")
    stored = _read(image.file)
    if mode in UNCHANGED or (mode == "Pad" and image.width == image.height):
        return stored
    with PIL.Image.open(io.BytesIO(stored), formats=["PNG"]) as picture:
        changed = _padded(picture) if mode == "Pad" else picture.resize(RESIZED)
    file = io.BytesIO()
    changed.save(file, "PNG", compress_level=1)
    return file.getvalue()


def sent_file(image: Image, form: str) -> bytes:
    """Give a picture as a worker is sent it: as JPEG in its own size, or as PNG in one of `IMAGE_MODES`.

    Raises as `prepared` does.
    """
    return original_jpeg(image) if form == JPEG else prepared(image, form)


def original_jpeg(image: Image) -> bytes:
    """Give a picture in its own size as JPEG. Raises `OSError` when the file can't be read."""
    if image.jpeg:
        return _read(image.jpeg)
    # It was stored by a version that kept none.
    file = io.BytesIO()
    with PIL.Image.open(io.BytesIO(_read(image.file)), formats=["PNG"]) as picture:
        picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _read(stored: FieldFile) -> bytes:
    with stored.storage.open(str(stored.name)) as file:
        return file.read()


def _padded(picture: PIL.Image.Image) -> PIL.Image.Image:
    side = max(picture.size)
    square = PIL.Image.new("RGB", (side, side), _PAD_COLOUR)
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square
