"""Time exports of a million messages on both databases: `python -m benchmarks.exports`.

The database is filled in a process of its own; then each export is a process as a host would start it, and its memory
is what the kernel says was the most.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.processes import ROOT
from benchmarks.reports import Report
from benchmarks.services import fresh_database, postgresql
from benchmarks.tables import EXPORT_COLUMNS, Row, table

FORMATS = ("jsonl", "csv", "parquet")
AT_LEAST = 5_000  # rows a second


def measure(database: str, environment: dict[str, str], messages: int, folder: Path) -> list[Row]:
    def manage(*arguments: str) -> None:
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)

    manage("migrate", "--verbosity", "0")
    subprocess.run(
        [sys.executable, "-m", "benchmarks.filling", str(messages)], cwd=ROOT, env=environment, check=True
    )
    return [export(database, name, environment, messages, folder / f"{database}-{name}") for name in FORMATS]


def export(database: str, name: str, environment: dict[str, str], messages: int, target: Path) -> Row:
    command = [
        sys.executable, "manage.py", "export_feedback", "--format", name, "--output", str(target),
    ]  # fmt: skip
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{name} on {database} failed")
    size = sum(each.stat().st_size for each in target.rglob("*") if each.is_file()) or target.stat().st_size
    return {
        "database": database,
        "format": name,
        "messages": messages,
        "rows": rows_of(messages),
        "seconds": seconds,
        "rows_per_second": rows_of(messages) / seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "megabytes": size / 2**20,
        "peak_megabytes": usage.ru_maxrss / 1024,
    }


def rows_of(messages: int) -> int:
    """Half of the messages are replies; a vote is on each tenth of them, a flag on each fiftieth."""
    replies = messages // 2
    return replies + replies // 10 + replies // 50


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000, help="default: a million")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    report = Report("exports")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mmchat-exports-") as name:
        folder = Path(name)
        environment = {**os.environ, "MMCHAT_DATA_DIR": name}
        environment.pop("DATABASE_URL", None)
        rows += measure("SQLite", environment, options.messages, folder)
        with postgresql() as cluster, fresh_database(cluster) as url:
            rows += measure("PostgreSQL", {**environment, "DATABASE_URL": url}, options.messages, folder)
    report.write(options.json, runs=rows)
    print(f"{report.heading}\n\n{table(EXPORT_COLUMNS, rows)}")
    slow = [row for row in rows if row["rows_per_second"] < AT_LEAST]
    print(f"\n{len(slow)} of {len(rows)} exports give less than {AT_LEAST:,} rows a second")


if __name__ == "__main__":
    main()
