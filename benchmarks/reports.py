"""What every command of the benchmark writes: what was measured, when, where, of which code."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from benchmarks.processes import ROOT


class Report:
    """Says of a command's figures where they are from. Made before the command measures."""

    def __init__(self, module: str) -> None:
        self._facts: dict[str, Any] = {
            "kind": module,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": " ".join([f"python -m benchmarks.{module}", *_arguments()]),
            "commit": _commit(),
            "machine": _machine(),
            "load_before": os.getloadavg()[0],
        }

    @property
    def heading(self) -> str:
        facts = self._facts
        return (
            f"{facts['when']}, commit {facts['commit']}, {facts['machine']}, load {facts['load_before']:.1f}\n"
            f"{facts['command']}"
        )

    def write(self, to: Path | None, **measured: Any) -> None:
        if to:
            to.write_text(json.dumps({**self._facts, **measured}, indent=1) + "\n")


def _arguments() -> list[str]:
    """Give what was asked for, without where the report goes: a path of this machine."""
    arguments = sys.argv[1:]
    if "--json" in arguments:
        place = arguments.index("--json")
        del arguments[place : place + 2]
    return arguments


def _commit() -> str:
    """Name the commit, with a plus when the code that is measured differs from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "chat", "mmchat_site", "benchmarks")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"uvicorn {uvicorn.__version__}"
    )


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Give all reports of a folder by name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
