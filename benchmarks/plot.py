"""Draw docs/performance.svg from reports: `python -m benchmarks.plot REPORT.json... docs/performance.svg`.

Two panels over the number of streams, both axes logarithmic: added p99, and CPU per 1000 tokens. Plain SVG: text is
text, and colours follow the reader's light or dark theme.
"""

import argparse
import json
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from benchmarks.tables import Row

WIDTH, HEIGHT = 860, 400
PANEL_WIDTH, PANEL_HEIGHT = 300, 260
TOP, LEFT, BETWEEN = 70, 62, 120
STREAMS = (1, 10, 100, 300, 1000)

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.faint { fill: #59636e }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.goal { stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 5 4 }
.line { fill: none; stroke-width: 2.5 }
.mmchat { stroke: #0969da } .mmchat.dot, .mmchat.name { fill: #0969da }
.relay { stroke: #1a7f37 } .relay.dot, .relay.name { fill: #1a7f37 }
.gradio { stroke: #bc4c00 } .gradio.dot, .gradio.name { fill: #bc4c00 }
.name { stroke: none; font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d } .goal { stroke: #9198a1 }
  .mmchat { stroke: #4493f8 } .mmchat.dot, .mmchat.name { fill: #4493f8 }
  .relay { stroke: #3fb950 } .relay.dot, .relay.name { fill: #3fb950 }
  .gradio { stroke: #f0883e } .gradio.dot, .gradio.name { fill: #f0883e }
}
"""


class Goal(NamedTuple):
    """A target at one number of streams: no more than `value`."""

    streams: int
    value: float


class Panel(NamedTuple):
    """One diagram: what it shows, of which column, from which to which value."""

    title: str
    unit: str
    key: str
    ticks: Sequence[float]
    goals: Sequence[Goal] = ()


PANELS = [
    Panel(
        "Added latency, p99",
        "ms",
        "added_p99",
        (10, 100, 1000, 10_000, 100_000),
        [Goal(100, 75), Goal(300, 150), Goal(1000, 500)],
    ),
    Panel("CPU per 1000 tokens", "ms", "cpu_ms_per_1000", (10, 100, 1000, 10_000)),
]


def draw(summary: Sequence[Row]) -> str:
    """Write the whole picture from the rows of summaries; rows without a value are left out."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>Added latency and CPU per token over the number of streams</title>",
        f"<style>{STYLE}</style>",
    ]
    for number, panel in enumerate(PANELS):
        left = LEFT + number * (PANEL_WIDTH + BETWEEN)
        parts.append(f'<g transform="translate({left} {TOP})">{_panel(panel, summary)}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: Panel, summary: Sequence[Row]) -> str:
    parts = [
        f'<text class="title" x="{-LEFT + 14}" y="-38">{escape(panel.title)}</text>',
        f'<text class="faint" x="{-LEFT + 14}" y="-18">{escape(panel.unit)}</text>',
        f'<text class="faint" x="{PANEL_WIDTH / 2}" y="{PANEL_HEIGHT + 44}" text-anchor="middle">'
        "streams of 50 tokens/s at once</text>",
    ]
    for tick in panel.ticks:
        y = _y(panel, tick)
        parts.append(f'<line class="grid" x1="0" x2="{PANEL_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="faint" x="-8" y="{y + 4:.1f}" text-anchor="end">{tick:,}</text>')
    for streams in STREAMS:
        parts.append(
            f'<text class="faint" x="{_x(streams):.1f}" y="{PANEL_HEIGHT + 22}" text-anchor="middle">'
            f"{streams:,}</text>"
        )
    for goal in panel.goals:
        x, y = _x(goal.streams), _y(panel, goal.value)
        parts.append(f'<line class="goal" x1="{x - 16:.1f}" x2="{x + 16:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
    if panel.goals:
        last = panel.goals[-1]
        parts.append(
            f'<text class="faint" x="{_x(last.streams) + 22:.1f}" y="{_y(panel, last.value) + 4:.1f}">target</text>'
        )
    ends: list[float] = []
    for server in ("mmchat", "relay", "gradio-lifted"):
        points = sorted(
            (row["streams"], row[panel.key])
            for row in summary
            if row["server"] == server and row.get(panel.key) is not None
        )
        if points:
            parts.append(_series(panel, server, points, ends))
    return "\n".join(parts)


def _series(panel: Panel, server: str, points: Sequence[tuple[int, float]], ends: list[float]) -> str:
    style = server.split("-")[0]
    places = [(_x(streams), _y(panel, value)) for streams, value in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle class="{style} dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{server}, {streams:,} streams: '
        f"{value:,.0f} {panel.unit}</title></circle>"
        for (x, y), (streams, value) in zip(places, points, strict=True)
    )
    x, y = places[-1]
    # Names stand beside the last point; two that would touch move apart.
    while any(abs(y - end) < 15 for end in ends):
        y -= 15
    ends.append(y)
    name = f'<text class="{style} name" x="{x + 9:.1f}" y="{y + 4:.1f}">{server.split("-")[0]}</text>'
    return f'<polyline class="line {style}" points="{path}"/>{dots}{name}'


def _x(streams: float) -> float:
    return math.log(streams / STREAMS[0]) / math.log(STREAMS[-1] / STREAMS[0]) * PANEL_WIDTH


def _y(panel: Panel, value: float) -> float:
    lowest, highest = panel.ticks[0], panel.ticks[-1]
    share = math.log(max(value, lowest) / lowest) / math.log(highest / lowest)
    return PANEL_HEIGHT * (1 - min(share, 1))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plot", description=__doc__)
    parser.add_argument("reports", type=Path, nargs="+", metavar="REPORT.json")
    parser.add_argument("picture", type=Path, metavar="PICTURE.svg")
    options = parser.parse_args()
    rows = [row for report in options.reports for row in json.loads(report.read_text())["summary"]]
    options.picture.write_text(draw(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
