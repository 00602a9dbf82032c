"""Time imports of logs into both databases, and the same again: `python -m benchmarks.imports`.

Each import is a process as a host would start it; its memory is what the kernel says was the most. The last log is
one of LLaVA with as many photographs of a megapixel as it says, all new.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.logs import lines
from benchmarks.pictures import photograph
from benchmarks.processes import ROOT
from benchmarks.reports import Report
from benchmarks.services import fresh_database, postgresql
from benchmarks.tables import IMPORT_COLUMNS, Row, table

LOGS = ("LLaVA", "FastChat")
AT_LEAST = 2_000  # lines a second
PHOTOGRAPHS = 200


def measure(database: str, environment: dict[str, str], files: dict[str, Path]) -> list[Row]:
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    return [
        run(database, log + again, path, environment)
        for log, path in files.items()
        for again in ("", ", again")
    ]


def run(database: str, log: str, path: Path, environment: dict[str, str]) -> Row:
    command = [sys.executable, "manage.py", "import_logs", str(path)]
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{log} into {database} failed")
    with path.open("rb") as file:
        number = sum(1 for _ in file)
    return {
        "database": database,
        "log": log,
        "lines": number,
        "megabytes": path.stat().st_size / 2**20,
        "seconds": seconds,
        "lines_per_second": number / seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_megabytes": usage.ru_maxrss / 1024,
    }


def write(folder: Path, number: int) -> dict[str, Path]:
    files = {}
    for log in LOGS:
        files[log] = folder / log / "2026-11-22-conv.json"
        files[log].parent.mkdir()
        with files[log].open("w") as file:
            file.writelines(f"{line}\n" for line in lines(log, number))
    name = f"LLaVA, {PHOTOGRAPHS} photographs"
    files[name] = folder / "photographs" / "2026-11-22-conv.json"
    pictures = files[name].parent / "serve_images" / "2026-11-22"
    pictures.mkdir(parents=True)
    for seed in range(PHOTOGRAPHS):
        (pictures / f"{seed:032x}.jpg").write_bytes(photograph(seed))
    with files[name].open("w") as file:
        file.writelines(f"{line}\n" for line in lines("LLaVA", 2_000, seed=2))
    return files


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument(
        "--lines", type=int, default=60_000, help="of each log; default %(default)s, some 100 MB"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    options = parser.parse_args()
    report = Report("imports")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="mmchat-imports-") as name:
        folder = Path(name)
        files = write(folder, options.lines)
        environment = {**os.environ, "MMCHAT_DATA_DIR": name}
        environment.pop("DATABASE_URL", None)
        rows += measure("SQLite", environment, files)
        with postgresql() as cluster, fresh_database(cluster) as url:
            rows += measure("PostgreSQL", {**environment, "DATABASE_URL": url}, files)
    report.write(options.json, runs=rows)
    print(f"{report.heading}\n\n{table(IMPORT_COLUMNS, rows)}")
    slow = [row for row in rows if row["log"] in LOGS and row["lines_per_second"] < AT_LEAST]
    print(f"\n{len(slow)} imports of logs without new pictures take less than {AT_LEAST:,} lines a second")


if __name__ == "__main__":
    main()
