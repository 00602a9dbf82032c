"""Names for colours, and the dominant ones of a picture."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

Rgb = tuple[int, int, int]

# Names that a person would use, with sRGB values from the middle of what they cover.
NAMES: dict[str, Rgb] = {
    "black": (0, 0, 0),
    "dark grey": (72, 72, 72),
    "grey": (128, 128, 128),
    "light grey": (200, 200, 200),
    "white": (255, 255, 255),
    "red": (230, 20, 20),
    "dark red": (128, 0, 0),
    "pink": (255, 182, 193),
    "rose": (235, 70, 120),
    "salmon": (250, 128, 114),
    "orange": (255, 140, 0),
    "peach": (255, 218, 185),
    "brown": (130, 75, 35),
    "dark brown": (70, 40, 20),
    "tan": (205, 175, 135),
    "beige": (240, 230, 205),
    "gold": (215, 170, 40),
    "yellow": (255, 235, 20),
    "pale yellow": (255, 250, 170),
    "olive": (125, 125, 30),
    "lime": (150, 230, 40),
    "light green": (150, 225, 150),
    "green": (30, 160, 40),
    "dark green": (10, 80, 25),
    "mint": (180, 240, 215),
    "turquoise": (50, 205, 195),
    "teal": (0, 128, 128),
    "cyan": (0, 235, 255),
    "pale blue": (185, 220, 240),
    "sky blue": (120, 195, 238),
    "blue": (30, 70, 220),
    "dark blue": (10, 20, 110),
    "steel blue": (75, 120, 165),
    "slate grey": (95, 110, 125),
    "lavender": (200, 190, 240),
    "violet": (140, 70, 220),
    "purple": (120, 20, 130),
    "magenta": (240, 30, 230),
}

_SAMPLE_SIDE = 128  # pixels; enough for shares to within a percent
_PALETTE = 48


@dataclass(frozen=True, slots=True)
class Share:
    """One colour of a picture: its name, its most frequent value as #rrggbb, its share of the area."""

    name: str
    value: str
    share: float


def name_colour(colour: Rgb) -> str:
    """Name an sRGB colour after the nearest of `NAMES`, by distance in CIELAB (CIE76)."""
    here = _lab(colour)
    return min(NAMES, key=lambda name: _distance(here, _lab(NAMES[name])))


def dominant_colours(image: Image.Image, at_most: int = 5) -> list[Share]:
    """Give the colours that cover most of an RGB picture, the largest first; those under 2 % are left out."""
    sample = image.copy()
    sample.thumbnail((_SAMPLE_SIDE, _SAMPLE_SIDE), Image.Resampling.BOX)
    sample = sample.quantize(_PALETTE, method=Image.Quantize.MEDIANCUT).convert("RGB")
    areas: Counter[str] = Counter()
    values: dict[str, Rgb] = {}
    # From the most frequent on, so that the first value seen under a name is its most frequent one.
    for area, value in sorted(sample.getcolors(_SAMPLE_SIDE * _SAMPLE_SIDE) or [], reverse=True):
        assert isinstance(value, tuple)
        colour = (value[0], value[1], value[2])
        name = name_colour(colour)
        areas[name] += area
        values.setdefault(name, colour)
    total = sample.width * sample.height
    return [
        Share(name, "#{:02x}{:02x}{:02x}".format(*values[name]), area / total)
        for name, area in areas.most_common(at_most)
        if area / total >= 0.02
    ]


def _distance(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


@lru_cache(maxsize=4096)
def _lab(colour: Rgb) -> tuple[float, float, float]:
    """Convert sRGB to CIELAB under D65 (IEC 61966-2-1 and CIE 15)."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in colour)
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)
