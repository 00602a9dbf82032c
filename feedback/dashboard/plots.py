"""Where the shapes of a plot go. Templates draw them; units are those of the view box, about a pixel each.

Lengths are text, since templates would write numbers as the visitor's language does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

WIDTH = 400
COLUMNS_HEIGHT = 170
_LEFT, _TOP, _BOTTOM = 38, 10, 22  # room for the scale, for half of its top label, for the labels below
_ROW = 36
_AXIS = 18
_BAR_TOP, _BAR_HEIGHT = 19, 8
_CHARACTER = 7.7  # as wide as a character of the labels may be on average, on a phone
_HALF_LABEL = 24
MOST_LABELS = 5


class Bar(NamedTuple):
    x: str
    y: str
    width: str
    height: str
    kind: str  # a class of the style sheet


class Column(NamedTuple):
    """All bars of one hour or day, and what they say."""

    title: str
    bars: list[Bar]


class Label(NamedTuple):
    text: str
    x: str
    y: str
    anchor: str


@dataclass(frozen=True)
class ColumnPlot:
    """Counts over time, stacked."""

    columns: list[Column]
    scale: list[Label]
    labels: list[Label]
    width: int = WIDTH
    height: int = COLUMNS_HEIGHT
    left: int = _LEFT
    template = "admin/feedback/dashboard/columns.html"


class Value(NamedTuple):
    """One line of a `RowPlot`: a bar up to `high`, or with `middle` a dot there on a line from `low` to `high`."""

    label: str
    text: str
    high: float
    middle: float | None = None
    low: float = 0.0


class Row(NamedTuple):
    title: str
    label: str
    text: str
    top: str
    baseline: str
    bar: Bar
    dot: str | None  # its x
    dot_y: str


@dataclass(frozen=True)
class RowPlot:
    """A value of each of a few things, below each other, so that long names have room on a phone."""

    rows: list[Row]
    axis: list[Label]
    height: int
    bottom: int
    width: int = WIDTH
    template = "admin/feedback/dashboard/rows.html"


def column_plot(labels: Sequence[str], titles: Sequence[str], stacks: dict[str, list[int]]) -> ColumnPlot:
    """Plot counts; `stacks` has for each class of the style sheet, lowest first, a number for each label."""
    highest = max((sum(each) for each in zip(*stacks.values(), strict=True)), default=0)
    step = _step(highest)
    top = max(step, step * math.ceil(highest / step))
    room = COLUMNS_HEIGHT - _TOP - _BOTTOM
    each = (WIDTH - _LEFT) / len(labels)
    gap = min(4.0, each * 0.2)
    columns = []
    for place, title in enumerate(titles):
        bars, floor = [], float(COLUMNS_HEIGHT - _BOTTOM)
        for kind, numbers in stacks.items():
            height = numbers[place] / top * room
            floor -= height
            if height:
                bars.append(
                    Bar(
                        _text(_LEFT + place * each + gap / 2),
                        _text(floor),
                        _text(each - gap),
                        _text(height),
                        kind,
                    )
                )
        columns.append(Column(title, bars))
    scale = [
        Label(f"{number:,}", _text(_LEFT - 5), _text(COLUMNS_HEIGHT - _BOTTOM - number / top * room), "end")
        for number in range(0, top + 1, step)
    ]
    return ColumnPlot(columns, scale, _below(labels, each))


def row_plot(
    values: Sequence[Value], most: float | None = None, axis: Sequence[tuple[float, str]] = ()
) -> RowPlot:
    """Plot values from 0 to `most`, or to the highest; `axis` has parts of the width (0 to 1) with their labels."""
    most = most or max((value.high for value in values), default=0) or 1.0
    rows = []
    for place, value in enumerate(values):
        top = place * _ROW
        start, end = (part / most * WIDTH for part in (value.low, value.high))
        thin = value.middle is not None
        height = 2 if thin else _BAR_HEIGHT
        bar = Bar(
            _text(start),
            _text(top + _BAR_TOP + (_BAR_HEIGHT - height) / 2),
            _text(max(end - start, 0.5)),
            _text(height),
            "reach" if thin else "bar",
        )
        rows.append(
            Row(
                title=f"{value.label}: {value.text}",
                label=_shortened(value.label, WIDTH - len(value.text) * _CHARACTER - 12),
                text=value.text,
                top=_text(top + _BAR_TOP),
                baseline=_text(top + 13),
                bar=bar,
                dot=None if value.middle is None else _text(value.middle / most * WIDTH),
                dot_y=_text(top + _BAR_TOP + _BAR_HEIGHT / 2),
            )
        )
    bottom = len(values) * _ROW
    below = [Label(text, _text(part * WIDTH), _text(bottom + 12), _anchor(part)) for part, text in axis]
    return RowPlot(rows, below, bottom + (_AXIS if axis else 0), bottom)


def _step(highest: int) -> int:
    """Give a round step with which a scale to `highest` has at most four."""
    step = 1
    while highest > 4 * step:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step


def _below(labels: Sequence[str], each: float) -> list[Label]:
    """Give a few of the labels, the last one among them, with as many left out between them."""
    every = math.ceil(len(labels) / MOST_LABELS)
    below = []
    for place in range((len(labels) - 1) % every, len(labels), every):
        middle = _LEFT + (place + 0.5) * each
        at_the_edge = middle > WIDTH - _HALF_LABEL
        below.append(
            Label(
                labels[place],
                _text(WIDTH if at_the_edge else middle),
                _text(COLUMNS_HEIGHT - 6),
                "end" if at_the_edge else "middle",
            )
        )
    return below


def _anchor(part: float) -> str:
    return "start" if part == 0 else "end" if part == 1 else "middle"


def _shortened(text: str, room: float) -> str:
    most = max(8, int(room / _CHARACTER))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _text(length: float) -> str:
    return f"{length:.1f}"
