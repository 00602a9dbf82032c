"""From runs to rows, and from rows to a table."""

from collections.abc import Sequence
from statistics import median
from typing import Any

Row = dict[str, Any]
Columns = Sequence[tuple[str, str]]  # title, key in the row

STREAM_COLUMNS = [
    ("server", "server"),
    ("protocol", "protocol"),
    ("streams", "streams"),
    ("tokens", "tokens_each"),
    ("turn", "turn"),
    ("complete", "completed"),
    ("at once", "at_once"),
    ("first p50", "first_p50"),
    ("first p99", "first_p99"),
    ("added p50", "added_p50"),
    ("added p99", "added_p99"),
    ("CPU/1k", "cpu_ms_per_1000"),
    ("of relay", "cpu_of_relay"),
    ("steady/1k", "steady_ms_per_1000"),
    ("of relay", "steady_of_relay"),
    ("MB idle", "megabytes_before"),
    ("MB peak", "megabytes_peak"),
    ("late w", "worker_late_p99"),
    ("late c", "client_lag_p99"),
]
STEP_COLUMNS = [
    ("server", "server"),
    ("streams", "streams"),
    ("tokens", "tokens_each"),
    ("accepted p50", "accepted_p50"),
    ("p99", "accepted_p99"),
    ("asked p50", "asked_p50"),
    ("p99", "asked_p99"),
    ("worker p50", "worker_p50"),
    ("p99", "worker_p99"),
    ("back p50", "back_p50"),
    ("p99", "back_p99"),
    ("site p50", "site_p50"),
    ("p99", "site_p99"),
]
BYTE_COLUMNS = [("server", "server"), ("reply", "reply"), ("plain", "plain"), ("compressed", "compressed")]
IDLE_COLUMNS = [
    ("server", "server"),
    ("compressed", "compressed"),
    ("visitors", "visitors"),
    ("sockets", "sockets"),
    ("open", "open"),
    ("s to open", "seconds_to_open"),
    ("CPU ms a page", "page_cpu_ms"),
    ("CPU ms a socket", "socket_cpu_ms"),
    ("KB each", "kilobytes"),
    ("CPU % idle", "idle_cpu_percent"),
]
WRITE_COLUMNS = [
    ("load", "load"),
    ("replies", "replies"),
    ("complete", "completed"),
    ("seconds each", "seconds"),
    ("transactions each", "transactions"),
    ("at most", "at_most"),
    ("rows each", "rows"),
]
SLOW_COLUMNS = [
    ("slow readers", "slow"),
    ("fast streams", "fast"),
    ("complete", "completed"),
    ("added p50", "added_p50"),
    ("added p99", "added_p99"),
    ("MB before", "megabytes_before"),
    ("MB peak", "megabytes_peak"),
    ("MB after", "megabytes_after"),
    ("KB long reply", "long_kilobytes"),
    ("KB held", "held_kilobytes"),
    ("still connected", "still_connected"),
    ("slow exact", "slow_exact"),
]
EXPORT_COLUMNS = [
    ("database", "database"),
    ("format", "format"),
    ("messages", "messages"),
    ("rows", "rows"),
    ("seconds", "seconds"),
    ("rows/s", "rows_per_second"),
    ("CPU s", "cpu_seconds"),
    ("MB written", "megabytes"),
    ("MB peak", "peak_megabytes"),
]
IMPORT_COLUMNS = [
    ("database", "database"),
    ("log", "log"),
    ("lines", "lines"),
    ("MB read", "megabytes"),
    ("seconds", "seconds"),
    ("lines/s", "lines_per_second"),
    ("CPU s", "cpu_seconds"),
    ("MB peak", "peak_megabytes"),
]
DECODING_COLUMNS = [
    ("picture", "picture"),
    ("KB", "kilobytes"),
    ("decoded", "way"),
    ("images/s", "images_per_second"),
    ("megapixels/s", "megapixels_per_second"),
    ("of in-process", "of_in_process"),
    ("slowest round", "slowest"),
    ("fastest round", "fastest"),
]
DASHBOARD_COLUMNS = [
    ("database", "database"),
    ("messages", "messages"),
    ("what is read", "what"),
    ("24h", "24h"),
    ("7d", "7d"),
    ("30d", "30d"),
    ("90d", "90d"),
]
HISTORY_COLUMNS = [
    ("database", "database"),
    ("conversations", "conversations"),
    ("messages in each", "messages"),
    ("what", "what"),
    ("median ms", "median"),
    ("worst ms", "worst"),
]
VISIT_COLUMNS = [
    ("server", "server"),
    ("first paint", "first_contentful_ms"),
    ("largest paint", "largest_contentful_ms"),
    ("usable", "usable_ms"),
    ("blocked", "blocking_ms"),
    ("requests", "requests"),
    ("KB script", "script_kilobytes"),
    ("KB style", "style_kilobytes"),
    ("KB all", "all_kilobytes"),
]
READING_COLUMNS = [
    ("server", "server"),
    ("tokens", "tokens"),
    ("characters", "characters"),
    ("seconds", "seconds"),
    ("tasks over 50 ms", "long_tasks"),
    ("longest ms", "longest_ms"),
    ("blocked ms", "blocking_ms"),
    ("over 50 ms by processor", "long_own"),
    ("longest by processor", "longest_own_ms"),
    ("changes early", "changes_early"),
    ("changes late", "changes_late"),
    ("main ms early", "main_early"),
    ("main ms late", "main_late"),
]
TARGET_COLUMNS = [("target", "target"), ("measured", "measured"), ("", "verdict")]

_RELATIVE = {"cpu_of_relay": "cpu_ms_per_1000", "steady_of_relay": "steady_ms_per_1000"}


def summarise(runs: Sequence[Row]) -> list[Row]:
    """Give one row for each server, protocol, number of streams, length and turn: the median of its runs."""
    groups: dict[tuple, list[Row]] = {}
    for row in runs:
        groups.setdefault((*_load(row), row["server"]), []).append(row)
    summary = []
    for rows in groups.values():
        line: Row = {
            key: rows[0].get(key) for key in ("server", "streams", "tokens_each", "turn", "protocol")
        }
        line["runs"] = len(rows)
        for _, key in [*STREAM_COLUMNS, *STEP_COLUMNS]:
            if key not in line and key not in _RELATIVE:
                # A run in which nothing came is worse than any number.
                values: list[Any] = [row.get(key) for row in rows]
                line[key] = None if None in values else median(values)
        summary.append(line)
    relays = {_load(line): line for line in summary if line["server"] == "relay"}
    for line in summary:
        relay = relays.get(_load(line), {})
        for key, cost in _RELATIVE.items():
            line[key] = line[cost] / relay[cost] if line[cost] and relay.get(cost) else None
    return summary


def _load(row: Row) -> tuple:
    return (row["tokens_each"], row.get("turn", 1), row["streams"], row.get("protocol", "llava"))


def table(columns: Columns, rows: Sequence[Row]) -> str:
    """Align for a terminal: names to the left, numbers to the right."""
    cells = _cells(columns, rows)
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


def markdown(columns: Columns, rows: Sequence[Row]) -> str:
    """Write a table for docs/performance.md."""
    title, *lines = _cells(columns, rows)
    rule = ["---", *["--:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [title, rule, *lines])


def _cells(columns: Columns, rows: Sequence[Row]) -> list[list[str]]:
    return [[title for title, _ in columns], *([shown(row.get(key)) for _, key in columns] for row in rows)]


def shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) < 10 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
