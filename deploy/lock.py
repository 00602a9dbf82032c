"""Resolve the locked requirements again: `python deploy/lock.py`, with uv installed.

The files carry hashes and no index address, so they install from whatever index pip is set up for.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = {"requirements.txt": None, "requirements-test.txt": "test", "requirements-ocr.txt": "ocr"}


def main() -> None:
    for file, extra in EXTRAS.items():
        command = [
            "uv", "pip", "compile", "pyproject.toml", "--output-file", file, "--universal",
            "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet",
        ]  # fmt: skip
        if extra:
            command += ["--extra", extra, "--constraints", "requirements.txt"]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            sys.exit(f"{file} could not be resolved")


if __name__ == "__main__":
    main()
