"""Copy third-party front-end files from their npm packages into static/vendor; for maintainers, needs npm.

Change a version in PACKAGES, run `python deploy/vendor.py`, look at the difference and commit it. Hosts and
visitors never need npm: what is copied is in the repository, and tests/chat/test_vendor.py re-hashes it.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"


def without_source_map(text: str) -> str:
    """Drop the comment that names a source map: the map is not copied, and collectstatic would miss it."""
    return re.sub(r"\n?//# sourceMappingURL=\S+\s*$", "\n", text)


def with_one_font_format(text: str) -> str:
    """Keep only WOFF2, which every browser that runs the page reads."""
    return re.sub(r",url\([^)]+\.(?:woff|ttf)\) format\(\"[a-z]+\"\)", "", text)


def compiled_at_once(text: str) -> str:
    """Put the one big function of the file in parentheses, by which engines know that it is called at once.

    They then compile it beside the page's own thread while it loads, instead of reading it twice on that thread.
    """
    head, body = text.rstrip().split(",function(){", 1)
    head, body = f"{head},(function(){{", f"{body.removesuffix('});')}}}));"
    if body.startswith("return function(){"):  # KaTeX's has another one in it
        body = (
            body.replace("return function(){", "return(function(){", 1).removesuffix("}()}));") + "})()}));"
        )
    return f"{head}{body}\n"


def compiled_at_once_without_source_map(text: str) -> str:
    return compiled_at_once(without_source_map(text))


@dataclass(frozen=True)
class Package:
    """One npm package: what to copy (pattern → name, or folder with a slash) and how to edit it."""

    name: str
    version: str
    folder: str
    files: dict[str, str]
    edits: dict[str, Callable[[str], str]] = field(default_factory=dict)


# Whose code gets colours; static/js/lib/highlighting.js loads each when it comes.
LANGUAGES = [
    "bash", "c", "cpp", "csharp", "css", "diff", "dockerfile", "go", "graphql", "ini", "java", "javascript", "json",
    "kotlin", "latex", "less", "lua", "makefile", "markdown", "matlab", "objectivec", "perl", "php", "python", "r",
    "ruby", "rust", "scss", "shell", "sql", "swift", "typescript", "vbnet", "xml", "yaml",
]  # fmt: skip

# Of markdown-it and DOMPurify the files that put a name on `globalThis`: those with exports are not minified.
PACKAGES = [
    Package(
        "markdown-it",
        "15.0.3",
        "markdown-it",
        {"dist/browser/markdown-it.umd.min.js": "markdown-it.js", "LICENSE": "LICENSE"},
        {"markdown-it.js": compiled_at_once_without_source_map},
    ),
    Package(
        "dompurify",
        "3.4.18",
        "dompurify",
        {"dist/purify.min.js": "purify.js", "LICENSE": "LICENSE"},
        {"purify.js": compiled_at_once_without_source_map},
    ),
    Package(
        "@highlightjs/cdn-assets",
        "11.12.0",
        "highlight",
        {
            "es/core.min.js": "core.js",
            **{f"es/languages/{name}.min.js": f"languages/{name}.js" for name in LANGUAGES},
            "LICENSE": "LICENSE",
        },
    ),
    Package(
        "katex",
        "0.19.1",
        "katex",
        {
            "dist/katex.min.js": "katex.js",
            "dist/katex.min.css": "katex.css",
            "dist/fonts/*.woff2": "fonts/",
            "LICENSE": "LICENSE",
        },
        {"katex.css": with_one_font_format, "katex.js": compiled_at_once},
    ),
]


def fetch(package: Package, folder: Path) -> Path:
    """Download a package with npm and unpack it; give the folder of its content."""
    subprocess.run(
        ["npm", "pack", "--silent", f"{package.name}@{package.version}"],  # noqa: S607 - a maintainer's own  # nosec B607
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def copy(package: Package, source: Path, target: Path) -> list[Path]:
    """Copy a package's files to `target`, edited where they need it; give what was written."""
    written = []
    for pattern, name in package.files.items():
        for path in sorted(source.glob(pattern)):
            destination = target / name / path.name if name.endswith("/") else target / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            edit = package.edits.get(name)
            destination.write_bytes(edit(path.read_text()).encode() if edit else path.read_bytes())
            written.append(destination)
    return written


def main() -> None:
    table = []
    for package in PACKAGES:
        target = VENDOR / package.folder
        shutil.rmtree(target, ignore_errors=True)
        with tempfile.TemporaryDirectory() as folder:
            source = fetch(package, Path(folder))
            written = copy(package, source, target)
            licence = json.loads((source / "package.json").read_text())["license"]
        table.append(
            {
                "name": package.name,
                "version": package.version,
                "licence": licence,
                "edited": sorted(f"{package.folder}/{name}" for name in package.edits),
                "files": {
                    path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                    for path in sorted(written)
                },
            }
        )
    (VENDOR / "vendor.json").write_text(json.dumps({"packages": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()
