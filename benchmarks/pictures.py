"""Pictures to ask about: no two alike, as hard to compress as a photograph."""

import io
import random

from PIL import Image, ImageFilter

SIDE = 1024


def photograph(seed: int, width: int = SIDE, height: int = SIDE) -> bytes:
    """Make a JPEG, of a megapixel if nothing is said: broad shapes of the seed's own, and grain."""
    chance = random.Random(seed)
    shapes = Image.frombytes("RGB", (16, 16), chance.randbytes(16 * 16 * 3)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    grain = Image.effect_noise((width, height), 40).filter(ImageFilter.GaussianBlur(0.6)).convert("RGB")
    picture = Image.blend(shapes, grain, 0.2)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()
