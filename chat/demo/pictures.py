"""Decode the pictures of a request and measure them with Pillow alone."""

import base64
import binascii
import io
from dataclasses import dataclass

from PIL import Image, ImageFilter, ImageStat

from chat.demo.colours import Share, dominant_colours

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 64_000_000
_MEASURED_SIDE = 1024
_LAPLACIAN = (0, 1, 0, 1, -4, 1, 0, 1, 0)


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


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured, all but the colours on a grey copy of at most 1024 pixels a side.

    `brightness` is the mean and `contrast` the standard deviation of the grey values, both 0 to 1 (a contrast
    of 0.5 is half black, half white). `sharpness` is the variance of the Laplacian, 0 for one plain colour, a
    few hundred and more for a sharp photo.
    """

    colours: list[Share]
    brightness: float
    contrast: float
    sharpness: float


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
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"An image can't be read: {error}") from None


def measure(picture: Picture) -> Measurements:
    """Measure a picture; takes a fraction of a second of processor time."""
    grey = picture.image.convert("L")
    grey.thumbnail((_MEASURED_SIDE, _MEASURED_SIDE), Image.Resampling.BOX)
    statistics = ImageStat.Stat(grey)
    return Measurements(
        colours=dominant_colours(picture.image),
        brightness=statistics.mean[0] / 255,
        contrast=statistics.stddev[0] / 255,
        sharpness=laplacian_variance(grey),
    )


def laplacian_variance(grey: Image.Image) -> float:
    """Give the variance of the Laplacian of an 8-bit grey picture, the usual measure of focus.

    Pillow's filters clip to 0–255, so the positive and the negative part are filtered apart; where one is not
    0 the other is. Values beyond ±255 count as ±255, which only tells noise from worse noise less well.
    """
    if min(grey.size) < 3:
        return 0.0
    # Pillow copies the outermost pixels unfiltered.
    inner = (1, 1, grey.width - 1, grey.height - 1)
    parts = [
        ImageStat.Stat(
            grey.filter(ImageFilter.Kernel((3, 3), [sign * weight for weight in _LAPLACIAN], scale=1)).crop(
                inner
            )
        )
        for sign in (1, -1)
    ]
    count = (grey.width - 2) * (grey.height - 2)
    mean = (parts[0].sum[0] - parts[1].sum[0]) / count
    return (parts[0].sum2[0] + parts[1].sum2[0]) / count - mean**2
