"""Time each plot of the administration's dashboard at a million messages: `python -m benchmarks.dashboard`.

On both databases; what they hold is made up (`benchmarks.activity`). The worst of several reads counts, after one that
warms the cache.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.processes import ROOT
from benchmarks.reports import Report
from benchmarks.services import fresh_database, postgresql
from benchmarks.tables import DASHBOARD_COLUMNS, Row, table

AT_MOST = 300  # milliseconds for a plot


def measure(database: str, environment: dict[str, str], messages: int) -> list[Row]:
    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    run("manage.py", "migrate", "--verbosity", "0")
    run("manage.py", "collectstatic", "--noinput", "--verbosity", "0")  # the page names its style sheets
    run("-m", "benchmarks.activity", str(messages))
    rows = json.loads(run("-m", "benchmarks.dashboard_reads"))
    return [{"database": database, "messages": messages, **row} for row in rows]


def slowest(row: Row) -> float:
    """Give the milliseconds of the slowest period."""
    return max(row[period] for period in ("24h", "7d", "30d", "90d"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000, help="default: a million")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    report = Report("dashboard")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mmchat-dashboard-") as name:
        environment = {**os.environ, "MMCHAT_DATA_DIR": name}
        environment.pop("DATABASE_URL", None)
        rows += measure("SQLite", environment, options.messages)
        with postgresql() as cluster, fresh_database(cluster) as url:
            rows += measure("PostgreSQL", {**environment, "DATABASE_URL": url}, options.messages)
    report.write(options.json, runs=rows)
    print(f"{report.heading}\n\n{table(DASHBOARD_COLUMNS, rows)}")
    slow = [row["what"] for row in rows if row["is_plot"] and slowest(row) > AT_MOST]
    print(f"\n{len(slow)} of the plots take more than {AT_MOST} ms")


if __name__ == "__main__":
    main()
