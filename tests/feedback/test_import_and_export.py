"""What was imported comes back as it was, whatever visitors of the other server did."""

import json
import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chat.addresses import client_address, hash_of_text, keyed_hash
from chat.models import Message, Role
from feedback.exchange.choice import Choice
from feedback.exchange.formats import FORMATS
from feedback.exchange.reading import records
from feedback.exchange.records import IMPORTED, LOGGED
from feedback.imports import run as running
from feedback.imports.files import LogFile
from feedback.models import LogLine
from tests.feedback import logs
from tests.feedback.stories import exchange, make_conversation, make_upload, make_visitor

pytestmark = pytest.mark.django_db
SAMPLES = Path(__file__).parent / "samples"
property_test = settings(
    max_examples=200 if os.environ.get("MMCHAT_LONG") else 15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@contextmanager
def undone():
    """Take back what an example stored."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def bring_in(*paths):
    problems = []
    counts = running.run(
        [LogFile(path) for path in paths],
        [],
        lambda path, number, problem: problems.append((path.name, number, problem)),
        lambda done, number: None,
    )
    return counts, [each for each in problems if not each[2].startswith("image ")]


def exported(name="imported", addresses=True):
    kinds = FORMATS[name].kinds
    return [
        json.loads(FORMATS[name].encode(record))
        for record in records(Choice(types=kinds, addresses=addresses), FORMATS[name].as_logged)
    ]


def counted(lines):
    return Counter(json.dumps(line) for line in lines)


def as_kept(line):
    """Give a line as it is where addresses are kept as hashes; the same line twice is one."""
    if line.get("ip") is None:
        return line
    if not isinstance(line["ip"], str):
        return line | {"ip": hash_of_text(json.dumps(line["ip"]))}
    address = client_address(line["ip"], "")
    hashed = keyed_hash(address) if address else hash_of_text(line["ip"]) if line["ip"] else ""
    return line | {"ip": hashed}


def everything():
    """Give the ids of all rows."""
    return {
        (model._meta.label, str(pk))
        for label in ("chat", "feedback")
        for model in apps.get_app_config(label).get_models()
        for pk in model._base_manager.values_list("pk", flat=True)
    }


def distinct(lines):
    return counted(json.loads(line) for line in {json.dumps(as_kept(line)) for line in lines})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["llava", "fastchat"])
def test_lines_that_servers_wrote_come_back(name):
    path = SAMPLES / name / "2026-11-22-conv.json"
    _, problems = bring_in(path)
    assert problems == []
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert counted(exported()) == distinct(lines)
    assert counted(exported(name)) == distinct(line for line in lines if line["type"] in LOGGED)
    if name == "llava":
        with_ids = exported("jsonl")
        assert counted(
            {**line} for line in with_ids if line.pop("conversation_id") and line.pop("message_id")
        ) == (distinct(lines))
    else:
        assert {line["model"] for line in exported("llava")} == {
            line["model"] for line in lines if "model" in line
        }


@pytest.mark.parametrize("kind", logs.KINDS)
def test_any_log_comes_back_as_it_was(kind, tmp_path):
    @property_test
    @given(logs.lines(logs.KINDS[kind]))
    def holds(found):
        with undone():
            _, problems = bring_in(logs.write(tmp_path / "2026-11-22-conv.json", found))
            assert problems == []
            assert counted(exported()) == distinct(found)
            if kind in FORMATS:
                assert counted(exported(kind)) == distinct(found)

    holds()


def test_addresses_come_back_too_where_they_are_kept(tmp_path, settings):
    settings.MMCHAT_STORE_ADDRESSES = True

    @property_test
    @given(logs.lines(logs.LlavaVisit))
    def holds(found):
        with undone():
            bring_in(logs.write(tmp_path / "2026-11-22-conv.json", found))
            assert counted(exported()) == counted(
                json.loads(line) for line in {json.dumps(line) for line in found}
            )
            assert {line["ip"] for line in exported(addresses=False)} <= {""}

    holds()


@pytest.mark.parametrize("kind", logs.KINDS)
def test_a_file_that_grows_and_one_that_comes_again_add_only_what_is_new(kind, tmp_path, monkeypatch):
    path = tmp_path / "2026-11-22-conv.json"

    @property_test
    @given(logs.lines(logs.KINDS[kind]), st.data())
    def holds(found, data):
        monkeypatch.setattr(running, "BATCH_LINES", data.draw(st.integers(1, 4)))
        with undone():
            for end in (*sorted(data.draw(st.lists(st.integers(0, len(found)), max_size=2))), len(found)):
                bring_in(logs.write(path, found[:end]))
            rows = everything()
            counts, problems = bring_in(path)
            assert everything() == rows
            assert (counts["repeated"], problems) == (len(found), [])
        monkeypatch.setattr(running, "BATCH_LINES", 500)
        with undone():
            bring_in(path)
            at_once = everything()
        hashed = {"feedback.Vote", "feedback.VoteChange", "feedback.Flag", "chat.Image", "chat.ChatModel",
                  "chat.MessageImage", "chat.Upload"}  # numbered, or named after numbers  # fmt: skip
        assert {row for row in at_once if row[0] not in hashed} == {
            row for row in rows if row[0] not in hashed
        }

    holds()


@pytest.mark.parametrize("kind", ["llava", "fastchat"])
def test_every_chat_line_has_a_reply_of_its_own_with_the_text_of_its_branch(kind, tmp_path):
    @property_test
    @given(logs.lines(logs.KINDS[kind]))
    def holds(found):
        assume(all(logs.marks_match(line) for line in found))
        with undone():
            bring_in(logs.write(tmp_path / "2026-11-22-conv.json", found))
            own = LogLine.objects.filter(kind="chat").values_list("message", flat=True)
            assert (
                len(set(own))
                == len(own)
                == sum(distinct(line for line in found if line["type"] == "chat").values())
            )
            replies = Message.objects.replies().count()
            assert replies == len(own)  # servers told each turn, so none is only known as an earlier one
            assert Message.objects.filter(role=Role.USER, children__isnull=True).count() == 0

    holds()


@pytest.mark.parametrize("name", ["llava", "jsonl", "fastchat"])
def test_what_this_site_exports_can_be_imported_elsewhere_and_comes_back(name, tmp_path):
    picture = st.lists(logs.md5s, max_size=2, unique=True)
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)

    @property_test
    @given(st.lists(st.tuples(text, text, picture), min_size=1, max_size=4))
    def holds(turns):
        path = tmp_path / "2026-11-22-conv.json"
        with undone():
            visitor = make_visitor()
            conversation, reply = make_conversation(visitor), None
            for second, (asked, answered, names) in enumerate(turns):
                uploads = [make_upload(visitor, md5) for md5 in names]
                reply = exchange(conversation, asked, answered, reply, uploads, second=second)
            ours = exported(name)
            logs.write(path, ours)
            before = everything()
            if name == "jsonl":
                assert bring_in(path)[0]["repeated"] == len(turns)
                assert {row for row in everything() ^ before if row[0] != "chat.ChatModel"} == set()
        with undone():
            assert bring_in(path)[1] == []
            assert counted(exported()) == counted(ours)

    holds()
    assert IMPORTED not in LOGGED
