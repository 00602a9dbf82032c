"""What can be set, called, sent or met is described in docs/, and nothing is described that is not there."""

import ast
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import get_args
from uuid import UUID

import msgspec
import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import get_resolver

from chat import events
from chat.demo.faults import KINDS as FAULTS
from chat.failures import WORDS
from chat.images.errors import REASONS
from chat.models import ReplyState
from chat.prompts.families import FAMILIES
from chat.prompts.layouts import LAYOUTS
from chat.reasons import FlagReason
from chat.workers.errors import CODES
from chat.workers.protocols import PROTOCOLS
from feedback.exchange import FORMATS, llava, records

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
SOURCES = [
    path
    for folder in ("mmchat_site", "chat", "feedback", "tests", "benchmarks", "deploy")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
FRAMES = [*get_args(events.ClientFrame), *get_args(events.ServerFrame)]
PARTS = [events.Parameters, events.Held, events.ImageInfo, events.Failure, events.MessageInfo]


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


# The socket


@pytest.mark.parametrize("kind", FRAMES, ids=lambda kind: kind.__struct_config__.tag)
def test_every_frame_is_described_with_exactly_its_fields(kind):
    described = rows(before_next_heading(section(page("events.md"), f"`{kind.__struct_config__.tag}`")))
    assert set(described) == set(kind.__struct_fields__)


HEADINGS = {"MessageInfo": "Message info", "ImageInfo": "Image info"}


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.__name__)
def test_every_part_of_a_frame_is_described_with_exactly_its_fields(kind):
    described = rows(
        before_next_heading(section(page("events.md"), HEADINGS.get(kind.__name__, kind.__name__)))
    )
    assert set(described) == set(kind.__struct_fields__)


def test_no_frame_is_described_that_does_not_exist():
    headings = re.findall(r"^### `(\w+)`$", page("events.md"), re.M)
    assert sorted(headings) == sorted(kind.__struct_config__.tag for kind in FRAMES)


def example():
    lines = re.findall(r"^([<>]) (\{.*\})$", page("events.md"), re.M)
    server = msgspec.json.Decoder(events.ServerFrame)
    return [events.decode(text) if side == ">" else server.decode(text) for side, text in lines]


def test_the_worked_example_is_made_of_real_frames_with_no_field_left_out_by_the_site():
    assert len(example()) > 10
    for side, text in re.findall(r"^([<>]) (\{.*\})$", page("events.md"), re.M):
        if side == "<":
            frame = msgspec.json.decode(text, type=events.ServerFrame)
            assert msgspec.json.decode(events.encode(frame)) == msgspec.json.decode(text)


def test_the_worked_example_adds_up():
    text = ""
    for frame in example():
        if isinstance(frame, events.Delta):
            assert frame.offset == len(text)
            text += frame.text
        elif isinstance(frame, events.State):
            assert frame.length == len(text)
    assert text


def test_every_close_code_is_described():
    source = "".join((ROOT / "chat" / name).read_text() for name in ("consumers.py", "outbox.py"))
    codes = set(re.findall(r"^CLOSE_\w+ = (\d+)", source, re.M)) | set(re.findall(r"close\((\d+)\)", source))
    assert len(codes) >= 5
    assert codes == set(re.findall(r"^\| (\d{4}) \|", section(page("events.md"), "Close codes"), re.M))


def test_every_state_of_a_reply_is_described():
    assert set(rows(section(page("replies.md"), "States"))) == set(ReplyState.values)


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
    makers = {"Refused", "ImageRefused", "ContextError", "Failed", "_refusal"}
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
    return refusals() | set(WORDS) | set(CODES) | set(REASONS)


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


# Prompts and protocols


def test_every_prompt_template_and_layout_is_described():
    described = rows(section(page("models-and-prompts.md"), "Templates"))
    assert set(described) == set(LAYOUTS)
    for layout, cells in described.items():
        own = {name for name, family in FAMILIES.items() if family.layout == layout}
        assert set(re.findall(r"`([^`]+)`", cells[-1])) - {"two"} == own, layout


def test_every_protocol_is_described():
    described = rows(section(page("workers.md"), "The worker's calls"))
    assert set(described) == set(PROTOCOLS)


# Export


def line(kind):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return llava.line(
        records.Record(
            kind=kind,
            when=moment,
            start=moment,
            model="a",
            family=FAMILIES["vicuna_v1"],
            system_message="",
            turns=[records.Turn("hi", (), "hello", True)],
            ip="",
            conversation_id=UUID(int=1),
            message_id=UUID(int=2),
        )
    )


def test_every_export_format_is_described():
    described = rows(section(page("data.md"), "Export"))
    assert set(FORMATS) - set(described) == set()
    assert f"`{'`, `'.join(records.KINDS)}`" in section(page("commands.md"), "`export_feedback`")


def test_every_field_of_an_exported_line_is_described_in_order():
    fields = list(line("chat"))
    described = [name for name in rows(section(page("data.md"), "Export")) if name in fields]
    assert described == fields
    assert set(line("chat")["state"]) - set(rows(section(page("data.md"), "Export"))) == set()


def test_the_fields_that_only_chat_lines_have_are_marked():
    described = rows(section(page("data.md"), "Export"))
    only_chat = set(line("chat")) - set(line("upvote"))
    assert {name for name in line("chat") if described[name][0] == "`chat`"} == only_chat


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
