"""What is tracked is small, readable and complete enough to install from."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    if name and (ROOT / name).is_file()
]
MOST_BYTES = 2**20
MOST_LINES = 400
CODE = {".py", ".js", ".css", ".html", ".sh"}
REQUIREMENTS = sorted(ROOT.glob("requirements*.txt"))


def named(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def test_there_are_tracked_files_to_check():
    assert ROOT / "manage.py" in TRACKED


def test_no_tracked_file_is_larger_than_a_mebibyte():
    pictures = ROOT / "docs" / "screenshots"
    large = [path for path in TRACKED if path.stat().st_size > MOST_BYTES and pictures not in path.parents]
    assert named(large) == []


def test_no_file_of_our_own_code_has_more_than_400_lines():
    own = [
        path
        for path in TRACKED
        if path.suffix in CODE and "migrations" not in path.parts and "vendor" not in path.parts
    ]
    long = [path for path in own if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES]
    assert named(long) == []


def test_nothing_that_the_site_writes_is_tracked():
    written = [path for path in TRACKED if path.relative_to(ROOT).parts[0] in ("data", ".venv")]
    assert named(written) == []


def test_no_lock_file_names_the_address_of_an_index():
    assert not (ROOT / "uv.lock").exists()
    assert [path.name for path in REQUIREMENTS if "://" in path.read_text()] == []
    assert [
        path.name for path in REQUIREMENTS if re.search(r"^-|index-url|find-links", path.read_text(), re.M)
    ] == []


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_is_pinned_and_has_hashes(path):
    entries = re.sub(r"\\\n\s*", " ", path.read_text()).splitlines()
    pins = [line for line in entries if line.strip() and not line.lstrip().startswith("#")]
    loose = [
        line.split()[0]
        for line in pins
        if not re.match(r"[a-z0-9._-]+(\[[a-z0-9,._-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ]
    assert len(pins) > 10
    assert loose == []
