"""Pictures to ask about: a megapixel each, no two alike, as hard to compress as a photograph."""

import io
import random

from PIL import Image, ImageFilter

SIDE = 1024


def photograph(seed: int) -> bytes:
    """Make a JPEG of 1024 × 1024 pixels: broad shapes, grain, and a border of the seed's own colour."""
    chance = random.Random(seed)
    shapes = Image.frombytes("RGB", (16, 16), chance.randbytes(16 * 16 * 3)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    grain = Image.effect_noise((SIDE, SIDE), 40).filter(ImageFilter.GaussianBlur(0.6)).convert("RGB")
    picture = Image.blend(shapes, grain, 0.2)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()
