"""Decode the pictures of a request with Pillow."""

import base64
import binascii
import io
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 64_000_000


class PictureError(ValueError):
    """A picture that can't be decoded or is too large; the text says which."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture, and of what was sent the format, Pillow's name of its mode, and the file size."""

    image: Image.Image
    format: str
    sent_mode: str
    bytes_sent: int

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height


def decode(text: str) -> Picture:
    """Decode a base64 picture to RGB. Raises `PictureError`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PictureError("An image is not base64.") from None
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PictureError(
                    f"An image has {image.width} × {image.height} pixels; {MAX_PIXELS} is the limit."
                )
            return Picture(image.convert("RGB"), image.format or "unknown", image.mode, len(data))
    except UnidentifiedImageError:
        raise PictureError(f"An image is none of {', '.join(FORMATS)}.") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"An image can't be read: {error}") from None
