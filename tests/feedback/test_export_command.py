"""`manage.py export_feedback`."""

import io
import json
import os
import subprocess
import sys
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import AuditEntry
from chat.snapshot import snapshot
from feedback.exchange import heads, reading
from feedback.flags import flag
from feedback.votes import set_vote
from tests.feedback.stories import exchange, make_conversation, make_visitor


@pytest.fixture
def said(db):
    """Store one chat, one upvote and one flag."""
    visitor = make_visitor()
    reply = exchange(make_conversation(visitor))
    set_vote(visitor.key, reply.pk, "up")
    flag(visitor.key, reply.pk, "other")


def types_in(path):
    return [json.loads(line)["type"] for line in path.read_text().splitlines()]


def test_everything_goes_to_a_file_that_only_its_owner_reads(said, tmp_path):
    path = tmp_path / "log.jsonl"
    call_command("export_feedback", "--format", "jsonl", "--output", str(path))
    assert types_in(path) == ["chat", "upvote", "flag"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["log.jsonl"]


def test_standard_output_gets_the_same_bytes(said, tmp_path, capfdbinary):
    path = tmp_path / "log.jsonl"
    call_command("export_feedback", "--output", str(path))
    call_command("export_feedback")
    captured = capfdbinary.readouterr()
    assert captured.out == path.read_bytes()
    assert captured.err == b""


def test_progress_goes_to_a_terminal_and_not_among_the_lines(said, monkeypatch, capfdbinary):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    call_command("export_feedback")
    assert "] 100%  3 of 3 records" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")
    assert [json.loads(line)["type"] for line in capfdbinary.readouterr().out.splitlines()] == [
        "chat",
        "upvote",
        "flag",
    ]


def test_only_the_wanted_types_are_written(said, tmp_path):
    path = tmp_path / "log.jsonl"
    call_command("export_feedback", "--types", "flag, upvote", "--output", str(path))
    assert types_in(path) == ["upvote", "flag"]


def test_an_unknown_type_is_named_and_nothing_is_written(said, tmp_path):
    with pytest.raises(
        CommandError, match=r"--types: Unknown value 'share'; choose from chat, upvote, downvote, flag"
    ):
        call_command("export_feedback", "--types", "chat,share", "--output", str(tmp_path / "log.jsonl"))
    assert os.listdir(tmp_path) == []
    assert not AuditEntry.objects.exists()


def test_an_unknown_format_is_refused(db):
    with pytest.raises(CommandError, match="invalid choice: 'xml'"):
        call_command("export_feedback", "--format", "xml")


def test_a_folder_that_is_not_there_is_one_clear_line(said, tmp_path):
    with pytest.raises(CommandError, match="No such file or directory"):
        call_command("export_feedback", "--output", str(tmp_path / "nowhere" / "log.jsonl"))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "this export is one file, and a folder has that name"),
        (["--images"], "something is there already"),
    ],
)
def test_a_folder_of_that_name_is_told_before_anything_is_read(said, tmp_path, options, why):
    target = tmp_path / "mine"
    target.mkdir()
    (target / "mine.txt").touch()
    with pytest.raises(CommandError, match=why), CaptureQueriesContext(connection) as asked:
        call_command("export_feedback", "--output", str(target), *options)
    assert not [each["sql"] for each in asked if "chat_message" in each["sql"]]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".mine", "mine"))] == ["mine"]
    assert not AuditEntry.objects.exists()


def test_every_export_is_in_the_audit_log(said, tmp_path):
    path = str(tmp_path / "log.jsonl")
    call_command("export_feedback", "--types", "chat", "--output", path)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor) == ("export", None)
    assert entry.detail["format"] == "jsonl"
    assert entry.detail["output"] == path
    assert (entry.detail["types"], entry.detail["addresses"], entry.detail["consent"]) == (
        ["chat"],
        False,
        "unrefused",
    )


def test_addresses_are_left_out_unless_asked_for(db, tmp_path):
    exchange(make_conversation(make_visitor(address="203.0.113.9")))
    found = []
    for name, options in (("without", []), ("with", ["--addresses"])):
        call_command("export_feedback", "--output", str(tmp_path / name), *options)
        found.append(json.loads((tmp_path / name).read_text())["ip"])
    assert found == ["", "203.0.113.9"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--since", "yesterday"], "--since: Write a date such as 2026-11-22"),
        (["--since", "2026-11-23", "--until", "2026-11-22"], "--until: The end must lie after the beginning"),
        (["--votes", "left"], "--votes: Unknown value 'left'; choose from up, down, none"),
        (["--consent", "maybe"], "--consent: Unknown value 'maybe'; choose from any, unrefused, research"),
        (["--moderation", "nice"], "--moderation: Unknown value 'nice'; choose from hidden, upheld, open"),
        (["--licence", "a\nb"], "--licence: One line of at most 100 characters"),
        (["--format", "imagefolder"], "--images: This format is made of pictures: ask for images"),
        (["--format", "finetuning", "--types", "flag"], "--types: Unknown value 'flag'; choose from chat"),
        (["--format", "finetuning"], "--output: This is a folder and needs a name"),
        (["--images"], "--output: This is a folder and needs a name"),
    ],
)
def test_what_can_not_be_is_one_line_that_names_the_option(db, options, message):
    with pytest.raises(CommandError, match=message.replace("(", "\\(")):
        call_command("export_feedback", *options)


@pytest.mark.django_db(transaction=True)
def test_an_export_is_the_view_of_one_moment_while_visitors_write(monkeypatch):
    monkeypatch.setattr(heads, "PAGE", 1)
    monkeypatch.setattr(reading, "BATCH", 1)
    visitor = make_visitor()
    conversation = make_conversation(visitor)
    before = [exchange(conversation) for _ in range(3)]

    def visitor_writes():
        try:
            set_vote(visitor.key, before[0].pk, "up")
            exchange(conversation, reply="Too late.")
        finally:
            connection.close()

    with snapshot():
        rows = reading.records()
        found = [next(rows)]
        thread = threading.Thread(target=visitor_writes)
        thread.start()
        thread.join(15)
        assert not thread.is_alive(), "the export keeps visitors from writing"
        found += rows
    assert [row.message_id for row in found] == [reply.pk for reply in before]
    assert len(list(reading.records())) == 5


def test_a_reader_that_goes_away_ends_the_export_quietly(tmp_path):
    program = (
        "import sys, django\n"
        "django.setup()\n"
        "from feedback.exchange import export\n"
        "from feedback.exchange.choice import Choice\n"
        "class Many:\n"
        "    def __init__(self, *chosen): pass\n"
        "    def batches(self): return ((1, [n]) for n in range(100))\n"
        "    def records(self, batch): return batch\n"
        "export.Reader = Many\n"
        "export.FORMATS = {'x': export.Format('', 'x', encode=lambda record: b'x' * 65536)}\n"
        "export.to_stream('x', Choice(), sys.stdout.buffer)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.read(10)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), errors) == (0, b"")
