"""Find what stands out in a picture by measurement alone, and write where it is as models write boxes."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from PIL import Image, ImageChops

from chat.serving.pictures import Picture

_SIDE = 96  # pixels; a region of a hundredth of the picture still has some
_STANDS_OUT = 20  # of 255, that the strongest pixel must have above the mean
_THOUSANDTHS = 1000

Box = tuple[int, int, int, int]
Style = Callable[[Picture, Sequence["Region"]], str]


@dataclass(frozen=True, slots=True)
class Region:
    """What was measured, how strong it is on the whole (0 to 1), and its box in shares of the picture's sides."""

    label: str
    strength: float
    shares: tuple[float, float, float, float]

    def box(self, width: int, height: int) -> Box:
        """Give left, top, right, bottom for sides of these lengths."""
        left, top, right, bottom = self.shares
        return round(left * width), round(top * height), round(right * width), round(bottom * height)


def find_regions(picture: Picture) -> list[Region]:
    """Box the most colourful, the brightest and the darkest region; one that does not stand out is left out."""
    small = picture.image.copy()
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    _, saturation, value = small.convert("HSV").split()
    grey = small.convert("L")
    measured = {
        "most colourful region": ImageChops.multiply(saturation, value),
        "brightest region": grey,
        "darkest region": ImageChops.invert(grey),
    }
    return [region for label, values in measured.items() if (region := _strongest(label, values))]


def style_of(question: str) -> Style:
    """Choose how boxes are written: as JSON or with Qwen's tags where the question says so, else as InternVL does."""
    if re.search(r"\bjson\b", question, re.IGNORECASE):
        return _as_json
    return _with_qwen_tags if re.search(r"\bqwen\b", question, re.IGNORECASE) else _with_internvl_tags


def _strongest(label: str, values: Image.Image) -> Region | None:
    """Take the pixels nearer to the maximum than to the mean, and of them the connected ones with the largest sum."""
    width, height = values.size
    pixels = values.tobytes()
    mean, most = fmean(pixels), max(pixels)
    if most - mean < _STANDS_OUT:
        return None
    left = {place for place, value in enumerate(pixels) if value >= (mean + most) / 2}
    best: list[int] = []
    while left:
        connected = _connected(left.pop(), left, width)
        best = max(best, connected, key=lambda places: sum(pixels[place] for place in places))
    columns, rows = [place % width for place in best], [place // width for place in best]
    shares = (
        min(columns) / width,
        min(rows) / height,
        (max(columns) + 1) / width,
        (max(rows) + 1) / height,
    )
    return Region(label, fmean(pixels[place] for place in best) / 255, shares)


def _connected(start: int, left: set[int], width: int) -> list[int]:
    """Take out of `left` what touches `start` by sides, directly or over others."""
    found, at = [start], 0
    while at < len(found):
        place = found[at]
        at += 1
        beside = [place - width, place + width]
        beside += [place - 1] if place % width else []
        beside += [place + 1] if (place + 1) % width else []
        for other in beside:
            if other in left:
                left.remove(other)
                found.append(other)
    return found


def _with_internvl_tags(picture: Picture, regions: Sequence[Region]) -> str:
    return "\n".join(
        f"- <ref>{region.label}</ref><box>[{list(region.box(_THOUSANDTHS, _THOUSANDTHS))}]</box>: {region.strength:.0%}"
        for region in regions
    )


def _with_qwen_tags(picture: Picture, regions: Sequence[Region]) -> str:
    lines = []
    for region in regions:
        left, top, right, bottom = region.box(_THOUSANDTHS, _THOUSANDTHS)
        lines.append(
            f"- <|object_ref_start|>{region.label}<|object_ref_end|>"
            f"<|box_start|>({left},{top}),({right},{bottom})<|box_end|>: {region.strength:.0%}"
        )
    return "\n".join(lines)


def _as_json(picture: Picture, regions: Sequence[Region]) -> str:
    boxes = [
        json.dumps({"bbox_2d": region.box(picture.width, picture.height), "label": region.label})
        for region in regions
    ]
    return "```json\n[\n  " + ",\n  ".join(boxes) + "\n]\n```"
