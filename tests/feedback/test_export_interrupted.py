"""An export that breaks off, meets a full disk, or another one of its name."""

import errno
import fcntl
import os

import pytest
from django.utils import timezone

from chat.kept import Kept
from chat.models import BlockedImage
from feedback.exchange import export as exporting
from feedback.exchange import heads, parquet, reading
from feedback.exchange.choice import Choice
from feedback.exchange.export import export
from feedback.exchange.records import LOGGED
from feedback.exchange.work import NameTaken, work_on
from feedback.votes import set_vote
from tests.feedback.stories import exchange, make_conversation, make_upload, make_visitor

pytestmark = pytest.mark.django_db
EVERYTHING = Choice(types=LOGGED, images=True)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(heads, "PAGE", 3)
    monkeypatch.setattr(reading, "BATCH", 2)
    monkeypatch.setattr(parquet, "ROWS_A_FILE", 4)
    monkeypatch.setattr(exporting, "KEEP_SECONDS", -1)


@pytest.fixture
def said(db):
    """Store ten replies with a picture each, and a vote on every second."""
    visitor = make_visitor()
    conversation = make_conversation(visitor)
    replies = [
        exchange(conversation, f"Question {n}?", f"Answer {n}.", uploads=[make_upload(visitor)])
        for n in range(10)
    ]
    for reply in replies[::2]:
        set_vote(visitor.key, reply.pk, "up", comment="=1+1")
    return replies


class Broken(Exception):
    pass


def break_off(format_name, target, after, choice=EVERYTHING):
    def stop(looked, total):
        if looked >= after:
            raise Broken

    with pytest.raises(Broken):
        export(format_name, choice, target, stop)


def bytes_of(path):
    if path.is_file():
        return path.read_bytes()
    return {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()}


@pytest.mark.parametrize("format_name", ["jsonl", "fastchat", "csv", "parquet", "finetuning", "imagefolder"])
def test_what_broke_off_goes_on_and_has_the_same_bytes(said, tmp_path, format_name):
    choice = (
        EVERYTHING if format_name not in ("finetuning", "imagefolder") else Choice(("chat",), images=True)
    )
    export(format_name, choice, tmp_path / "whole")
    for after in (2, 6, 9):
        break_off(format_name, tmp_path / "broken", after, choice)
        assert not (tmp_path / "broken").exists()
    done = export(format_name, choice, tmp_path / "broken")
    assert done.resumed_at >= 4
    assert bytes_of(tmp_path / "broken") == bytes_of(tmp_path / "whole")
    assert sorted(os.listdir(tmp_path)) == ["broken", "media", "whole"]


@pytest.mark.parametrize("what", ["vote", "deletion", "language", "nothing before the break"])
def test_what_changed_before_the_break_makes_it_begin_anew(said, tmp_path, what):
    break_off("csv", tmp_path / "log", 12, Choice())
    visitor = said[0].conversation.visitor
    if what == "vote":
        set_vote(visitor.key, said[0].pk, "down")
    elif what == "deletion":
        said[0].conversation.deleted = timezone.now()
        said[0].conversation.save()
    elif what == "language":
        type(said[0].conversation).objects.update(language="fr")
    else:
        exchange(make_conversation(visitor), reply="Later.")
    done = export("csv", Choice(), tmp_path / "log")
    export("csv", Choice(), tmp_path / "anew")
    assert bytes_of(tmp_path / "log") == bytes_of(tmp_path / "anew")
    assert bool(done.resumed_at) == (what == "nothing before the break")


@pytest.mark.parametrize("format_name", ["jsonl", "parquet", "imagefolder"])
def test_what_was_written_behind_the_place_to_go_on_from_goes_when_its_conversation_is_deleted(
    said, tmp_path, monkeypatch, format_name
):
    visitor = make_visitor()
    late = exchange(make_conversation(visitor), "Late?", "Late.", uploads=[make_upload(visitor)])
    for n in range(6):
        exchange(late.conversation, f"Later {n}?", f"Later {n}.")
    choice = Choice(("chat",), images=True)
    keep = exporting._Run._keep

    def keep_the_beginning(self, looked, digest, mark):
        if looked <= 8:
            keep(self, looked, digest, mark)

    monkeypatch.setattr(exporting._Run, "_keep", keep_the_beginning)
    break_off(format_name, tmp_path / "broken", 16, choice)
    late.conversation.deleted = timezone.now()
    late.conversation.save()
    done = export(format_name, choice, tmp_path / "broken")
    export(format_name, choice, tmp_path / "whole")
    assert done.resumed_at == 8
    assert bytes_of(tmp_path / "broken") == bytes_of(tmp_path / "whole")


def test_a_picture_that_was_blocked_since_the_break_is_not_in_the_export(said, tmp_path):
    break_off("jsonl", tmp_path / "log", 6)
    image = said[0].parent.uploads.get().image
    BlockedImage.objects.create(md5=image.md5, width=image.width, height=image.height, difference_hash=0)
    Kept.forget_all()
    assert export("jsonl", EVERYTHING, tmp_path / "log").resumed_at == 0
    assert not list((tmp_path / "log" / "images").glob(f"{image.md5}*"))


def test_a_conversation_that_went_on_since_the_break_comes_once_in_a_data_set(said, tmp_path):
    conversation = make_conversation(make_visitor())
    first = exchange(conversation, "One?", "1.")
    for n in range(4):
        exchange(make_conversation(first.conversation.visitor), f"Other {n}?", f"{n}.")
    choice = Choice(("chat",))
    break_off("finetuning", tmp_path / "set", 14, choice)
    exchange(conversation, "Two?", "2.", first)
    export("finetuning", choice, tmp_path / "set")
    export("finetuning", choice, tmp_path / "anew")
    assert bytes_of(tmp_path / "set") == bytes_of(tmp_path / "anew")


def test_another_choice_does_not_go_on_with_it(said, tmp_path):
    break_off("jsonl", tmp_path / "log", 6, Choice())
    assert export("jsonl", Choice(addresses=True), tmp_path / "log").resumed_at == 0
    assert (tmp_path / "log").read_text().count('"ip": ""') == 0


def test_a_full_disk_leaves_nothing_and_what_was_there_before(said, tmp_path, monkeypatch):
    (tmp_path / "log").write_text("from before")

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exporting._Run, "_keep", full)
    with pytest.raises(OSError, match="No space left"):
        export("jsonl", Choice(), tmp_path / "log")
    assert sorted(os.listdir(tmp_path)) == ["log", "media"]
    assert (tmp_path / "log").read_text() == "from before"


def test_a_second_export_of_one_name_is_refused_while_the_first_writes(said, tmp_path):
    refused = []

    def second(looked, total):
        with pytest.raises(NameTaken):
            export("jsonl", Choice(), tmp_path / "log")
        refused.append(looked)

    export("jsonl", Choice(), tmp_path / "log", second)
    assert refused
    export("jsonl", Choice(), tmp_path / "log")
    assert len((tmp_path / "log").read_bytes().splitlines()) == 15


def test_a_lock_on_a_place_that_is_gone_is_none(tmp_path, monkeypatch):
    def overtaken(descriptor, how):
        os.rename(tmp_path / ".log.part", tmp_path / "elsewhere")

    monkeypatch.setattr(fcntl, "flock", overtaken)
    with pytest.raises(NameTaken), work_on(tmp_path / "log", False):
        pass


def test_a_folder_that_is_there_is_not_replaced(said, tmp_path):
    target = tmp_path / "set"
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(NameTaken):
        export("finetuning", Choice(("chat",)), target)
    assert os.listdir(target) == ["mine.txt"]
    (target / "mine.txt").unlink()
    export("finetuning", Choice(("chat",)), target)
    assert sorted(os.listdir(target)) == ["README.md", "train.json"]
