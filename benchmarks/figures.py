"""Put figures into docs/performance.md: what stands between `<!-- NAME -->` and `<!-- end -->` is made from NAME.json.

`python -m benchmarks.figures build/benchmark docs/performance.md`; without the page the blocks are printed.
"""

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.reports import read
from benchmarks.tables import (
    BYTE_COLUMNS,
    DASHBOARD_COLUMNS,
    DECODING_COLUMNS,
    EXPORT_COLUMNS,
    HISTORY_COLUMNS,
    IDLE_COLUMNS,
    IMPORT_COLUMNS,
    READING_COLUMNS,
    SLOW_COLUMNS,
    STEP_COLUMNS,
    STREAM_COLUMNS,
    TARGET_COLUMNS,
    VISIT_COLUMNS,
    WRITE_COLUMNS,
    Columns,
    Row,
    markdown,
)
from benchmarks.targets import NOT_MEASURED, Reports, verdicts

_BLOCK = re.compile(r"(<!-- (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
# Reports whose steps to the first text are shown, too.
STEPS = ("load", "starts")


def update(page: Path, reports: Reports) -> None:
    """Rewrite the blocks of which there are reports, and leave the others and their targets as they are."""
    made = blocks(reports)

    def block(found: re.Match[str]) -> str:
        text = made.get(found["name"])
        if text is not None and found["name"] == "targets":
            text = _keeping(found[0], text)
        return found[0] if text is None else f"{found[1]}\n{text}\n\n{found[3]}"

    page.write_text(_BLOCK.sub(block, page.read_text(encoding="utf-8")), encoding="utf-8")


def blocks(reports: Reports) -> dict[str, str]:
    """Give the Markdown of each report, and of what is said about all."""
    made = {name: _tables(name, report) for name, report in reports.items()}
    if reports:
        made["targets"] = markdown(TARGET_COLUMNS, verdicts(reports))
    return made


def _keeping(before: str, table: str) -> str:
    """Put back what a table of targets said before of those that were not measured now."""
    said = {line.split(" | ", 1)[0]: line for line in before.splitlines() if line.startswith("| ")}
    return "\n".join(
        said.get(line.split(" | ", 1)[0], line) if line.endswith(f"| {NOT_MEASURED} |") else line
        for line in table.splitlines()
    )


def _tables(name: str, report: dict[str, Any]) -> str:
    origin = f"{report['when'][:16].replace('T', ' ')} UTC, commit {report['commit']}, {report['machine']}."
    parts = [f"```sh\n{report['command']}\n```", origin]
    if report["kind"] == "streams":
        if report["summary"]:
            parts.append(markdown(_telling(STREAM_COLUMNS, report["summary"]), report["summary"]))
        if report["summary"] and name in STEPS:
            parts.append(markdown(_telling(STEP_COLUMNS, report["summary"]), report["summary"]))
        if report["bytes"]:
            parts.append(markdown(BYTE_COLUMNS, report["bytes"]))
        parts += _failures(report["runs"])
    elif report["kind"] == "idle":
        parts.append(markdown(IDLE_COLUMNS, report["runs"]))
    elif report["kind"] == "slow_readers":
        parts.append(markdown(SLOW_COLUMNS, report["runs"]))
    elif report["kind"] == "dashboard":
        parts.append(markdown(DASHBOARD_COLUMNS, report["runs"]))
    elif report["kind"] == "decoding":
        parts.append(markdown(DECODING_COLUMNS, report["runs"]))
    elif report["kind"] == "exports":
        parts.append(markdown(EXPORT_COLUMNS, report["runs"]))
    elif report["kind"] == "imports":
        parts.append(markdown(IMPORT_COLUMNS, report["runs"]))
    elif report["kind"] == "history":
        parts.append(markdown(HISTORY_COLUMNS, report["runs"]))
    elif report["kind"] == "page":
        parts += [markdown(VISIT_COLUMNS, report["visits"]), markdown(READING_COLUMNS, report["readings"])]
    else:
        parts.append(markdown(WRITE_COLUMNS, report["runs"]))
        parts += [_by_table(row) for row in report["runs"]]
    return "\n\n".join(parts)


def _telling(columns: Columns, rows: Iterable[Row]) -> Columns:
    """Leave out columns that say nothing: none but dashes, no turn but the first, no protocol but LLaVA's."""
    rows = list(rows)
    usual = {"turn": {1}, "protocol": {"llava"}}
    return [
        (title, key)
        for title, key in columns
        if {row.get(key) for row in rows} not in ({None}, usual.get(key))
    ]


def _failures(runs: Iterable[Row]) -> list[str]:
    """Say of each run that was not whole what was missing."""
    return [
        f"{row['server']}, {row['streams']:,} streams: {row['offered'] - row['completed']:,} replies not complete "
        f"({'; '.join(row['errors']) or 'tokens are missing'})."
        for row in runs
        if row["completed"] < row["offered"]
    ]


def _by_table(row: Row) -> str:
    rows = ", ".join(f"{name} {number:.1f}" for name, number in row["by_table"].items())
    return f"Rows for each reply, {row['load']}: {rows}."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the reports are")
    parser.add_argument("page", type=Path, nargs="?", help="rewrite this page")
    options = parser.parse_args()
    reports = read(options.folder)
    if options.page:
        update(options.page, reports)
    else:
        print("\n\n".join(f"## {name}\n\n{text}" for name, text in blocks(reports).items()))


if __name__ == "__main__":
    main()
