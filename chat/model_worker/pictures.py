"""How image processors of `transformers` cut pictures into tiles."""

import sys
from typing import Any

_NAMES = (
    "max_image_tiles",
    "max_num_tiles",
    "max_dynamic_patch",
)  # Mllama, Perception LM, InternVL's own code


def tile_limit(image_processor: Any) -> tuple[str, int] | None:
    """Give what an image processor calls the most tiles of a picture, and how many it can take; None without tiles.

    InternVL, Aya Vision, Ovis 2 and Cohere's cut into patches, any number of them. Llama 4 resizes to a canvas of
    patches, and it, Mllama and Perception LM were built for a number that comes with them. Others have
    `max_patches`, too, but mean the squares of a few pixels that every vision transformer has.
    """
    if hasattr(image_processor, "crop_to_patches"):
        return "max_patches", sys.maxsize
    if hasattr(image_processor, "resize_to_max_canvas"):
        return "max_patches", image_processor.max_patches
    name = next((name for name in _NAMES if hasattr(image_processor, name)), None)
    return (name, getattr(image_processor, name)) if name else None
