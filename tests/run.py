"""Run the tests, or one of the other gates: `python -m tests.run [faults|long|soak|backends|lint|audit]`.

The tests run three times over: on SQLite; those that touch the database again on PostgreSQL; and those in a
browser, in a process of their own because Playwright's event loop disturbs the others. Two of the three run at any
time, each on a core. Faults, which take minutes and look at the clock, have a gate of their own; `long` runs them
in their long variants, and what else has one; `soak` breaks all of it at once for an hour. `backends` asks the servers
that teams run and our own worker, each with a tiny model, and installs them first. `audit` asks the network for known
vulnerabilities.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import parts

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "--durations=15"]
APART = [f"--ignore=tests/{part}" for part in ("browser", "faults", "backends")]
# Faults whose time goes in waiting run beside the others, in lanes; those that take all of the machine run alone.
LANES = {
    "faults of neighbours": (
        "test_controller.py",
        "test_database.py",
        "test_fair_queue.py",
        "test_next_worker.py",
        "test_worker.py",
        "test_worker_calls.py",
        "test_workers_die.py",
    ),
    "soak and proxies": ("test_soak.py", "test_caddy.py", "test_slow_loris.py"),
}
ALONE = ("test_load.py", "test_rolling_restart.py")
# What has a long variant beside the faults.
LONG = ("tests/chat/images/test_hostile_files.py", "tests/feedback/test_import_and_export.py")
SOURCES = ["chat", "feedback", "mmchat_site", "deploy", "manage.py"]
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
    elsewhere = [*PYTEST, *APART]
    only = [*elsewhere, "--database-only"]
    with parts.postgresql() as url, ThreadPoolExecutor(2) as lanes:
        runs = [
            lanes.submit(run, "tests in the browser", [*PYTEST, "tests/browser"], MMCHAT_CHROMIUM=chromium),
            lanes.submit(run, "tests on SQLite", elsewhere, told_at_the_end=True),
            lanes.submit(
                run, "tests of the database on PostgreSQL", only, told_at_the_end=True, DATABASE_URL=url
            ),
        ]
    return all(each.result() for each in runs)


def faults(**environment: str) -> bool:
    lanes = {title: [f"tests/faults/{name}" for name in names] for title, names in LANES.items()}
    alone = [f"tests/faults/{name}" for name in ALONE]
    apart = [path for paths in (*lanes.values(), alone) for path in paths]
    others = [*PYTEST, "tests/faults", *(f"--ignore={path}" for path in apart)]
    with ThreadPoolExecutor(len(lanes)) as threads:
        beside = [
            threads.submit(run, title, [*PYTEST, *paths], told_at_the_end=True, **environment)
            for title, paths in lanes.items()
        ]
        held = run("faults of the site", others, **environment)
    return all(
        [
            run("load and restarts", [*PYTEST, *alone], **environment),
            held,
            *(lane.result() for lane in beside),
        ]
    )


def long() -> bool:
    held = run("files and logs", [*PYTEST, *LONG, "-rP"], MMCHAT_LONG="1")
    return faults(MMCHAT_LONG="1") and held


def soak() -> bool:
    seconds = os.environ.get("MMCHAT_SOAK_SECONDS", "3600")
    return run("soak", [*PYTEST, "tests/faults/test_soak.py", "-rP"], MMCHAT_SOAK_SECONDS=seconds)


def backends() -> bool:
    parts.install_backends()
    return run("backends", [*PYTEST, "tests/backends"])


def lint() -> bool:
    manage = [sys.executable, "manage.py"]
    return all(
        [
            run("ruff", [sys.executable, "-m", "ruff", "check", "."]),
            run("formatting", [sys.executable, "-m", "ruff", "format", "--check", "."]),
            run("types", [sys.executable, "-m", "mypy"]),
            run("security", [sys.executable, "-m", "bandit", "-q", "-c", "pyproject.toml", "-r", *SOURCES]),
            run("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
            run("deployment", [*manage, "check", "--deploy", "--fail-level", "WARNING"], **DEPLOYED),
        ]
    )


def audit() -> bool:
    """Look each locked package up among the known vulnerabilities; wants the network, so CI does not."""
    command = [sys.executable, "-m", "pip_audit", "--strict", "--require-hashes", "--disable-pip"]
    files = sorted(path.name for path in ROOT.glob("requirements*.txt"))
    sound = [run(f"vulnerabilities in {file}", [*command, "--requirement", file]) for file in files]
    return all(sound)


GATES = {
    "tests": tests,
    "faults": faults,
    "long": long,
    "soak": soak,
    "backends": backends,
    "lint": lint,
    "audit": audit,
}

if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else "tests"
    if name not in GATES:
        sys.exit(f"there is no {name!r}; there are {', '.join(GATES)}")
    sys.exit(0 if GATES[name]() else 1)
