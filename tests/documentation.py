"""Read the pages of docs/: sections, and tables by the names in their first cells."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted(DOCS.glob("*.md"))]


@cache
def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def section(text, heading):
    """Give what stands under a heading, up to the next one of its level or above."""
    lines = text.split("\n")
    start = next((number for number, line in enumerate(lines) if line.lstrip("#") == f" {heading}"), None)
    assert start is not None, f"no heading “{heading}”"
    level = len(lines[start]) - len(lines[start].lstrip("#"))
    rest = lines[start + 1 :]
    end = next((n for n, line in enumerate(rest) if re.match(rf"#{{1,{level}}} ", line)), len(rest))
    return "\n".join(rest[:end])


def before_next_heading(text):
    return re.split(r"^#", text, maxsplit=1, flags=re.M)[0]


def rows(text):
    """Give the tables of a text as {every code in the first cell: the other cells}."""
    found = {}
    for line in text.split("\n"):
        if line.startswith("| "):
            first, *others = [cell.strip() for cell in line.strip("|").split(" | ")]
            for name in re.findall(r"`([^`]+)`", first):
                found[name] = others
    return found
