"""Run everything that docs/performance.md shows: `python -m benchmarks.suite`, a quarter of an hour.

Each command writes its report to a folder; the page's tables and the picture are then made from them.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import update
from benchmarks.plot import draw
from benchmarks.processes import ROOT
from benchmarks.reports import read

FOLDER = ROOT / "build" / "benchmark"
BESIDE = "--server mmchat,relay"

SUITE = {
    "load": f"streams {BESIDE} --streams 100,300 --runs 3",
    "sweep": f"streams {BESIDE} --streams 1,10,600,1000 --runs 1",
    "gradio": f"streams {BESIDE},gradio-lifted --streams 100 --runs 1 --limit-seconds 40",
    "defaults": f"streams {BESIDE},gradio --streams 10 --tokens 128 --runs 1",
    "starts": f"streams {BESIDE} --tokens 1 --ramp 10 --runs 1",
    "lengths": f"streams {BESIDE} --streams 10 --tokens 100,1000,10000 --rate 500 --runs 1",
    "turns": f"streams {BESIDE} --streams 20 --tokens 256 --turn 1,50 --runs 1",
    "protocol": f"streams {BESIDE} --protocol llava,internvl2,fastchat,openai --runs 3",
    "processes": "streams --server mmchat,mmchat-2 --runs 1",
    "pictures": f"streams {BESIDE} --streams 10,100 --image --runs 1",
    "bytes": f"streams {BESIDE},gradio --runs 0 --bytes",
    "idle": "idle",
    "writes": "writes",
    "slow": "slow_readers",
    "decoding": "decoding",
    "exports": "exports",
    "imports": "imports",
    "dashboard": "dashboard",
    "history": "history",
    "page": "page",
}
PLOTTED = ("sweep", "load", "gradio")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite", description=__doc__)
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER", help="default build/benchmark")
    parser.add_argument("--only", default=",".join(SUITE), metavar="NAMES", help="some of: %(default)s")
    parser.add_argument("--list", action="store_true", help="print the commands, and run nothing")
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := set(names) - set(SUITE):
        parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(SUITE)}")
    if options.list:
        print("\n".join(f"python -m benchmarks.{SUITE[name]}" for name in names))
        return
    options.to.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    failed = [name for name in names if not _ran(name, options.to)]
    reports = read(options.to)
    if set(PLOTTED) <= reports.keys():
        rows = [row for name in PLOTTED for row in reports[name]["summary"]]
        (ROOT / "docs" / "performance.svg").write_text(draw(rows), encoding="utf-8")
    update(ROOT / "docs" / "performance.md", reports)
    print(
        f"\n{(time.monotonic() - began) / 60:.1f} minutes; docs/performance.md and its picture are up to date"
    )
    if failed:
        sys.exit(f"these failed: {', '.join(failed)}")


def _ran(name: str, folder: Path) -> bool:
    print(f"\n== {name}", flush=True)
    command = [
        sys.executable,
        "-m",
        *f"benchmarks.{SUITE[name]}".split(),
        "--json",
        str(folder / f"{name}.json"),
    ]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    main()
