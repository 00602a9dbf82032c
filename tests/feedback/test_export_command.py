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

from chat.models import AuditEntry
from feedback.exchange import records
from feedback.exchange.destination import to_file
from feedback.exchange.snapshot import snapshot
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
    assert terminal.getvalue() == "\r3 of 3 lines\n"
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
    with pytest.raises(CommandError, match=r"unknown type 'share'; choose from chat, upvote, downvote, flag"):
        call_command("export_feedback", "--types", "chat,share", "--output", str(tmp_path / "log.jsonl"))
    assert os.listdir(tmp_path) == []
    assert not AuditEntry.objects.exists()


def test_an_unknown_format_is_refused(db):
    with pytest.raises(CommandError, match="invalid choice: 'xml'"):
        call_command("export_feedback", "--format", "xml")


def test_a_folder_that_is_not_there_is_one_clear_line(said, tmp_path):
    with pytest.raises(CommandError, match="No such file or directory"):
        call_command("export_feedback", "--output", str(tmp_path / "nowhere" / "log.jsonl"))


def test_every_export_is_in_the_audit_log(said, tmp_path):
    path = str(tmp_path / "log.jsonl")
    call_command("export_feedback", "--types", "chat", "--output", path)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor) == ("export", None)
    assert entry.detail == {"format": "jsonl", "types": ["chat"], "output": path}


def test_an_export_that_breaks_off_leaves_what_was_there(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("from before")

    def broken():
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        to_file(broken(), path)
    assert os.listdir(tmp_path) == ["log.jsonl"]
    assert path.read_text() == "from before"


def test_two_exports_to_one_name_do_not_mix(tmp_path):
    path = tmp_path / "log.jsonl"
    first_wrote, second_done = threading.Event(), threading.Event()

    def first():
        yield b"first\n" * 1000
        first_wrote.set()
        assert second_done.wait(10)
        yield b"first\n" * 1000

    thread = threading.Thread(target=to_file, args=(first(), path))
    thread.start()
    assert first_wrote.wait(10)
    to_file([b"second\n"], path)
    assert path.read_bytes() == b"second\n"
    second_done.set()
    thread.join(10)
    assert path.read_bytes() == b"first\n" * 2000


@pytest.mark.django_db(transaction=True)
def test_an_export_is_the_view_of_one_moment_while_visitors_write(monkeypatch):
    monkeypatch.setattr(records, "PAGE", 1)
    monkeypatch.setattr(records, "BATCH", 1)
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
        rows = records.records()
        found = [next(rows)]
        thread = threading.Thread(target=visitor_writes)
        thread.start()
        thread.join(15)
        assert not thread.is_alive(), "the export keeps visitors from writing"
        found += rows
    assert [row.message_id for row in found] == [reply.pk for reply in before]
    assert len(list(records.records())) == 5


def test_a_reader_that_goes_away_ends_the_export_quietly(tmp_path):
    program = (
        "import sys, django\n"
        "django.setup()\n"
        "from feedback.exchange.destination import to_stream\n"
        "to_stream((b'x' * 65536 for _ in range(100)), sys.stdout.buffer)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.read(10)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), errors) == (0, b"")
