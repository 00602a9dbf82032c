"""What can be set, called or met is described in docs/, and nothing is described that is not there.

The socket's frames, prompts and exports are in test_docs_formats.py.
"""

import ast
import re
from functools import cache

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import get_resolver

from chat.demo.faults import KINDS as FAULTS
from chat.failures import WORDS
from chat.images.errors import REASONS
from chat.metrics import registry
from chat.reasons import FlagReason
from chat.views.errors import ERRORS
from chat.workers.errors import CODES
from tests.documentation import DOCS, PAGES, ROOT, page, rows, section

SOURCES = [
    path
    for folder in ("mmchat_site", "chat", "feedback", "tests", "benchmarks", "deploy")
    for path in sorted((ROOT / folder).rglob("*.py"))
]

# Settings


@cache
def settings():
    """Give {variable: default} of the settings file, None for a default that is computed."""
    tree = ast.parse((ROOT / "mmchat_site" / "settings.py").read_text())
    found = {}
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        of_env = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "env"
        takes_env = bool(call.args) and ast.unparse(call.args[0]) == "env"
        if of_env or takes_env:
            name, *default = call.args[1:] if takes_env else call.args
            default += [keyword.value for keyword in call.keywords if keyword.arg == "default"]
            try:
                found[ast.literal_eval(name)] = ast.literal_eval(default[0])
            except ValueError:
                found[ast.literal_eval(name)] = None
    return found


def written(default):
    if isinstance(default, bool):
        return "`on`" if default else "`off`"
    if default in ("", []):
        return "–"
    return f"`{','.join(default)}`" if isinstance(default, list) else f"`{default}`"


def test_the_settings_file_is_read_completely():
    source = (ROOT / "mmchat_site" / "settings.py").read_text()
    assert set(re.findall(r'"(MMCHAT_[A-Z_]+|DATABASE_URL|REDIS_URL)"', source)) == set(settings())


def test_every_setting_is_described():
    assert set(settings()) - set(rows(page("settings.md"))) == set()


def test_every_variable_that_is_read_elsewhere_is_described():
    reading = r'environ(?:\.get\(|\[)"(MMCHAT_[A-Z_]+)"'
    read = {name for path in SOURCES for name in re.findall(reading, path.read_text())}
    assert read - set(rows(page("settings.md"))) == set()


def test_every_described_default_is_the_real_one():
    described = rows(page("settings.md"))
    wrong = {
        name: (described[name][0], written(default))
        for name, default in settings().items()
        if default is not None and described[name][0] != written(default)
    }
    assert wrong == {}


def test_no_setting_is_described_that_nothing_reads():
    read = {name for path in SOURCES for name in re.findall(r"\bMMCHAT_[A-Z_]*[A-Z]", path.read_text())}
    # This file is among the sources, so it must not name one in full itself.
    described = {
        (path.name, name) for path in PAGES for name in re.findall(r"\bMMCHAT_[A-Z_]*[A-Z]", path.read_text())
    }
    assert {(file, name) for file, name in described if name not in read} == set()


# Metrics


def metrics():
    """Give {name: kind and labels} of everything that is counted, also of what has not happened yet."""
    found = {family.name: "as usual" for family in registry.collect() if family.name.startswith("process_")}
    for collector in registry._collector_to_names:
        families = collector.describe() if hasattr(collector, "describe") else collector.collect()
        for family in families:
            if family.name.startswith("mmchat_"):
                labels = getattr(collector, "_labelnames", None) or getattr(family, "_labelnames", ())
                found[family.name] = ", ".join([family.type, *(f"`{label}`" for label in labels)])
    return found


def test_every_metric_is_described_with_its_kind_and_labels_and_no_other_is():
    described = rows(section(page("monitoring.md"), "Metrics"))
    # This one is the scrape's own, not a process's.
    assert described.pop("mmchat_process_up")[0] == "gauge"
    names = {name for name in described if name.startswith(("mmchat_", "process_"))}
    assert {name: described[name][0] for name in names} == metrics()


# HTTP


def addresses():
    """Give every address outside the admin, placeholders as `{name}`."""

    def walk(patterns, prefix):
        for entry in patterns:
            route = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(entry.pattern))
            if hasattr(entry, "url_patterns"):
                if entry.namespace != "admin":
                    yield from walk(entry.url_patterns, route)
            else:
                yield route

    sockets = re.findall(r'path\("([^"]+)"', (ROOT / "chat" / "routing.py").read_text())
    return {*walk(get_resolver().url_patterns, "/"), *(f"/{path}" for path in sockets)}


def described_addresses():
    text = page("http.md") + page("workers.md")
    return set(re.findall(r"`(?:GET |POST )?(/[^`?]*)`", text))


def test_every_address_is_described():
    assert len(addresses()) > 15
    assert addresses() - described_addresses() == set()


def test_no_address_is_described_that_does_not_exist():
    of_headings = set(re.findall(r"^### `(?:GET|POST) (/[^`]+)`", page("http.md"), re.M))
    of_tables = {name for name in rows(page("http.md")) if name.startswith("/")} - {"/admin/"}
    assert (of_headings | of_tables) - addresses() == set()


def test_every_reason_for_a_flag_is_described():
    flag = section(page("http.md"), "`POST /feedback/{message}/flag/`")
    assert [value for value in FlagReason.values if f"`{value}`" not in flag] == []


# Commands


def commands():
    return {
        name: load_command_class(app, name).create_parser("manage.py", name)
        for name, app in get_commands().items()
        if app in ("chat", "feedback")
    }


def options(parser):
    plain = BaseCommand().create_parser("manage.py", "plain")
    common = {option for action in plain._actions for option in action.option_strings}
    return {option for action in parser._actions for option in action.option_strings} - common


def test_every_command_is_described_with_exactly_its_options():
    assert {"serve", "demo_worker", "export_feedback"} <= set(commands())
    for name, parser in commands().items():
        described = {
            word for word in rows(section(page("commands.md"), f"`{name}`")) if word.startswith("--")
        }
        assert described == options(parser), name


def test_no_command_is_described_that_does_not_exist():
    assert sorted(re.findall(r"^## `(\w+)`$", page("commands.md"), re.M)) == sorted(commands())


def test_the_readme_names_every_option_of_serve():
    table = rows(section((ROOT / "README.md").read_text(), "Options of `manage.py serve`"))
    assert set(table) == options(commands()["serve"])


def test_every_fault_of_the_demo_worker_is_described():
    assert set(rows(section(page("workers.md"), "Faults"))) == set(FAULTS)


# Errors


@cache
def refusals():
    """Give every error code that the code writes down where it refuses something."""
    makers = {"Refused", "ImageRefused", "ContextError", "Failed", "_refusal", "CheckFailed"}
    found = set()
    for path in SOURCES:
        if "tests" in path.relative_to(ROOT).parts or "demo" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                maker = ast.unparse(node.func).rpartition(".")[2]
                found |= {
                    arg.value for arg in node.args[:1] if maker in makers and isinstance(arg, ast.Constant)
                }
                found |= {
                    keyword.value.value
                    for keyword in node.keywords
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
                }
            elif isinstance(node, ast.Dict):
                found |= {
                    value.value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant)
                    and key.value == "code"
                    and isinstance(value, ast.Constant)
                }
    return {code for code in found if isinstance(code, str)}


def known_codes():
    pages = {words.code for words in ERRORS.values()}
    return refusals() | set(WORDS) | set(CODES) | set(REASONS) | pages


def test_the_scan_for_error_codes_finds_those_of_each_kind():
    assert {"message_empty", "vote_unknown", "bad_body", "storage_unavailable", "image_lost"} <= refusals()


def test_every_error_code_is_described():
    assert known_codes() - set(rows(page("errors.md"))) == set()


def test_no_error_code_is_described_that_does_not_exist():
    assert set(rows(page("errors.md"))) - known_codes() == set()


def test_what_is_said_of_trying_again_is_what_visitors_are_told():
    described = rows(section(page("errors.md"), "Failed replies"))
    assert set(described) == set(WORDS)
    assert [
        code for code, words in WORDS.items() if described[code][0] != ("yes" if words.retry else "no")
    ] == []


def test_every_status_of_a_refused_image_is_described():
    described = rows(section(page("errors.md"), "Refused requests"))
    assert {code: described[code][0] for code in REASONS} == {
        code: str(status) for code, (status, _) in REASONS.items()
    }


# Links


def anchors(path):
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        file, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", file):
            continue
        goal = path.parent / file if file else path
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            broken.append(target)
    assert broken == []


def test_every_page_is_in_the_index():
    listed = set(re.findall(r"\]\((\w[\w-]*\.md)\)", page("index.md")))
    assert listed == {path.name for path in DOCS.glob("*.md")} - {"index.md"}
