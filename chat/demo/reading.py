"""Read the text in a picture with RapidOCR, where the extra `mmchat[ocr]` is installed."""

import logging
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PIL import Image

try:
    from rapidocr_onnxruntime import RapidOCR
except ModuleNotFoundError:
    RapidOCR = None
except ImportError as error:
    # Installed, but a library of the system that it needs is not.
    logging.getLogger(__name__).warning("Text in pictures can't be read: %s", error)
    RapidOCR = None

INSTALLED = RapidOCR is not None
_THOUSANDTHS = 1000
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and its box (left, top, right, bottom) in thousandths of the picture's sides."""

    text: str
    box: tuple[int, int, int, int]

    def grounded(self) -> str:
        """Write the line as InternVL grounds a phrase: `<ref>…</ref><box>[[x1, y1, x2, y2]]</box>`."""
        left, top, right, bottom = self.box
        text = self.text.replace("<", "‹").replace(">", "›")
        return f"<ref>{text}</ref><box>[[{left}, {top}, {right}, {bottom}]]</box>"


def read_lines(image: Image.Image) -> list[Line]:
    """Read an RGB picture's lines of text, top to bottom; takes a second or so. Empty without the extra."""
    if not INSTALLED:
        return []
    # The network uses all cores by itself; two at once would only take turns.
    with _one_at_a_time:
        found, _ = _engine()(image)
    return [
        Line(text, _box(corners, image.width, image.height))
        for corners, text, _ in found or []
        if text.strip()
    ]


@lru_cache(maxsize=1)
def _engine() -> Any:
    return RapidOCR()


def _box(corners: list[list[float]], width: int, height: int) -> tuple[int, int, int, int]:
    across, down = [x for x, _ in corners], [y for _, y in corners]
    return (
        _thousandths(min(across), width),
        _thousandths(min(down), height),
        _thousandths(max(across), width),
        _thousandths(max(down), height),
    )


def _thousandths(value: float, whole: int) -> int:
    return max(0, min(_THOUSANDTHS, round(value * _THOUSANDTHS / whole)))
