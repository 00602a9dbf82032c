"""Measure the pictures of a request with Pillow alone."""

from dataclasses import dataclass

from PIL import Image, ImageFilter, ImageStat

from chat.demo.colours import Share, dominant_colours
from chat.serving.pictures import Picture

_MEASURED_SIDE = 1024
_LAPLACIAN = (0, 1, 0, 1, -4, 1, 0, 1, 0)


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
