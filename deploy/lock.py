"""Resolve the locked requirements again: `python deploy/lock.py`, with uv installed.

The files carry hashes and no index address, so they install from whatever index pip is set up for.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SITE = ["pyproject.toml"]
ALIKE = ["--constraints", "requirements.txt"]
# Whoever runs models takes the build for their GPU; the index has one that brings gigabytes for one kind of it.
WITHOUT_TORCH = ["--overrides", "deploy/without-torch.txt"]
# Of OpenCV there must be one build in an environment, and the tests have the one of the text recognition.
ONE_OPENCV = ["--overrides", "deploy/without-headless.txt"]
SOURCES = {
    "requirements.txt": SITE,
    "requirements-test.txt": [*SITE, "--extra", "test", *ALIKE, *ONE_OPENCV],
    "requirements-image-check.txt": [*SITE, "--extra", "image-check", *ALIKE],
    "requirements-ocr.txt": [*SITE, "--extra", "ocr", *ALIKE],
    "requirements-parquet.txt": [*SITE, "--extra", "parquet", *ALIKE],
    "requirements-worker.txt": [*SITE, "--extra", "worker", *ALIKE, *WITHOUT_TORCH],
    # The peer in a venv of its own, which shares nothing with the site's.
    "requirements-benchmark.txt": ["--group", "benchmark"],
    "requirements-backends.txt": ["--group", "backends", *WITHOUT_TORCH],
}


def main() -> None:
    for file, source in SOURCES.items():
        command = [
            "uv", "pip", "compile", *source, "--output-file", file, "--universal",
            "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet",
        ]  # fmt: skip
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            sys.exit(f"{file} could not be resolved")


if __name__ == "__main__":
    main()
