"""The socket's frames, prompts and exported lines are described in docs/ as they are, field by field."""

import json
import re
from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import msgspec
import pytest

from chat import events
from chat.models import ReplyState
from chat.prompts.families import FAMILIES
from chat.prompts.layouts import LAYOUTS
from chat.workers.protocols import PROTOCOLS
from feedback.exchange import llava, records, table
from feedback.exchange.formats import FORMATS
from tests.documentation import ROOT, before_next_heading, page, rows, section

FRAMES = [*get_args(events.ClientFrame), *get_args(events.ServerFrame)]
PARTS = [
    events.Parameters, events.Held, events.ImageInfo, events.Box, events.Failure, events.MessageInfo
]  # fmt: skip

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


def server_frame(text):
    return msgspec.json.decode(text, type=events.Delta if text.startswith("[") else events.ServerFrame)


def example():
    lines = re.findall(r"^([<>]) ([{[].*)$", page("events.md"), re.M)
    return [events.decode(text) if side == ">" else server_frame(text) for side, text in lines]


def test_the_worked_example_is_made_of_real_frames_with_no_field_left_out_by_the_site():
    assert len(example()) > 10
    for side, text in re.findall(r"^([<>]) ([{[].*)$", page("events.md"), re.M):
        if side == "<":
            assert msgspec.json.decode(events.encode(server_frame(text))) == msgspec.json.decode(text)


def test_the_worked_example_adds_up():
    text = ""
    for frame in example():
        if isinstance(frame, events.Stream):
            assert frame.offset == len(text)
        elif isinstance(frame, events.Delta):
            text += frame.text
        elif isinstance(frame, events.State):
            assert frame.length == len(text)
    assert text


def test_every_close_code_is_described():
    source = "".join((ROOT / "chat" / name).read_text() for name in ("consumers.py", "outbox.py"))
    codes = set(re.findall(r"^CLOSE_\w+ = (\d+)", source, re.M)) | set(re.findall(r"close\((\d+)\)", source))
    assert len(codes) >= 4
    of_the_server = {"1009"}
    described = set(re.findall(r"^\| (\d{4}) \|", section(page("events.md"), "Close codes"), re.M))
    assert described == codes | of_the_server


def test_every_state_of_a_reply_is_described():
    assert set(rows(section(page("replies.md"), "States"))) == set(ReplyState.values)


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
    return json.loads(
        llava.with_ids(
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
                language="",
                parameters={},
                votes=(),
                moderation="unflagged",
                is_last=True,
            )
        )
    )


def test_every_export_format_is_described():
    described = rows(section(page("data.md"), "Export"))
    assert set(FORMATS) - set(described) == set()
    assert f"`{'`, `'.join(records.LOGGED)}`" in section(page("commands.md"), "`export_feedback`")


def test_every_column_of_the_table_is_described_in_order():
    assert list(rows(section(page("data.md"), "Table"))) == list(table.COLUMNS)


def test_every_field_of_an_exported_line_is_described_in_order():
    fields = list(line("chat"))
    described = [name for name in rows(section(page("data.md"), "Lines")) if name in fields]
    assert described == fields
    assert set(line("chat")["state"]) - set(rows(section(page("data.md"), "Lines"))) == set()


def test_the_fields_that_only_chat_lines_have_are_marked():
    described = rows(section(page("data.md"), "Lines"))
    only_chat = set(line("chat")) - set(line("upvote"))
    assert {name for name in line("chat") if described[name][0] == "`chat`"} == only_chat
