"""Run the tests, or one of the other gates: `python -m tests.run [faults|long|lint]`.

The tests run three times over: on SQLite; those that touch the database again on PostgreSQL; and those in a
browser, in a process of their own because Playwright's event loop disturbs the others. The first runs beside the
other two, on another core. Faults, which take minutes and look at the clock, have a gate of their own; `long` runs them
in their long variants.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import parts

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest"]
APART = ["--ignore=tests/browser", "--ignore=tests/faults"]
DEPLOYED = {"MMCHAT_URL": "https://chat.example.org", "MMCHAT_SECRET_KEY": "for-this-check-only-" * 3}


def run(title: str, command: list[str], *, told_at_the_end: bool = False, **environment: str) -> bool:
    """Run a command and tell whether it ended well; what it prints is shown at once, or when it has ended."""
    print(f"\n── {title}", flush=True)
    begun = time.monotonic()
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        stdout=subprocess.PIPE if told_at_the_end else None,
        stderr=subprocess.STDOUT if told_at_the_end else None,
        text=True,
    )
    verdict = "passed" if ended.returncode == 0 else f"FAILED ({ended.returncode})"
    seconds = f"{time.monotonic() - begun:.0f} s"
    print(f"{ended.stdout or ''}── {title}: {verdict} in {seconds}", flush=True)
    return ended.returncode == 0


def tests() -> bool:
    chromium = parts.chromium()
    with ThreadPoolExecutor(1) as beside, parts.postgresql() as url:
        on_sqlite = beside.submit(run, "tests on SQLite", [*PYTEST, *APART], told_at_the_end=True)
        results = [
            run("tests in the browser", [*PYTEST, "tests/browser"], MMCHAT_CHROMIUM=chromium),
            run(
                "tests of the database on PostgreSQL",
                [*PYTEST, *APART, "--database-only"],
                DATABASE_URL=url,
            ),
            on_sqlite.result(),
        ]
    return all(results)


def faults(**environment: str) -> bool:
    return run("faults", [*PYTEST, "tests/faults", "--durations=10"], **environment)


def long() -> bool:
    return faults(MMCHAT_LONG="1")


def lint() -> bool:
    manage = [sys.executable, "manage.py"]
    return all(
        [
            run("ruff", [sys.executable, "-m", "ruff", "check", "."]),
            run("formatting", [sys.executable, "-m", "ruff", "format", "--check", "."]),
            run("types", [sys.executable, "-m", "mypy"]),
            run("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
            run("deployment", [*manage, "check", "--deploy", "--fail-level", "WARNING"], **DEPLOYED),
        ]
    )


GATES = {"tests": tests, "faults": faults, "long": long, "lint": lint}

if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else "tests"
    if name not in GATES:
        sys.exit(f"there is no {name!r}; there are {', '.join(GATES)}")
    sys.exit(0 if GATES[name]() else 1)
