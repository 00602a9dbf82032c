"""Read the text in a picture with RapidOCR, where the extra `mmchat[ocr]` is installed."""

import importlib
import importlib.util
import logging
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PIL import Image

logger = logging.getLogger(__name__)

INSTALLED = importlib.util.find_spec("rapidocr_onnxruntime") is not None
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
    # The network uses all cores by itself; two at once would only take turns.
    with _one_at_a_time:
        engine = _engine()
        found = engine(image)[0] if engine else None
    return [
        Line(text, _box(corners, image.width, image.height))
        for corners, text, _ in found or []
        if text.strip()
    ]


@lru_cache(maxsize=1)
def _engine() -> Any:
    """Load the reader at its first use: it takes half a second and 150 MB, which most workers never need."""
    if not INSTALLED:
        return None
    try:
        return importlib.import_module("rapidocr_onnxruntime").RapidOCR()
    except ImportError as error:
        logger.warning("Text in pictures can't be read, a library is missing: %s", error)
        return None


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
