"""Logs that are broken, huge, or lie."""

import io
import json
import tracemalloc

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from chat.addresses import hash_of_text
from chat.models import AuditEntry, Conversation, Image, Message, MessageImage, Role
from feedback.imports import files
from feedback.imports.batch import Importer
from feedback.models import LogLine, Vote
from tests.feedback.test_import_and_export import SAMPLES, bring_in, exported
from tests.feedback.test_import_places import llava

pytestmark = pytest.mark.django_db

GOOD = json.dumps(llava(0, "One?", "1")).encode()


def changed(**fields):
    return json.dumps(llava(0, "One?", "1") | fields).encode()


def with_state(**fields):
    line = llava(0, "One?", "1")
    return json.dumps(line | {"state": line["state"] | fields}).encode()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (GOOD[:-30], "no JSON: "),
        (b"[" * 100_000, "no JSON that could be read: nested too deeply"),
        (b"[]", "no JSON object"),
        (b"{}", "the JSON object is empty"),
        (b"null", "no JSON object"),
        (b"\xff\xfe", "not UTF-8 at byte 1; --encoding names another encoding"),
        (changed(type="rm -rf"), "type 'rm -rf' is not known"),
        (changed(type=["chat"]), "type ['chat'] is not known"),
        (changed(type="leftvote"), "type leftvote has no states"),
        (changed(state=None), "state is missing"),
        (changed(state="x"), "state is no object"),
        (changed(states=[], type="leftvote"), "states are not two objects"),
        (changed(model=None), "model is no name: None"),
        (changed(model="x" * 201), "model has more than 200 characters"),
        (changed(tstamp="now"), "tstamp is no time: 'now'"),
        (changed(tstamp=1e300), "tstamp is no time: 1e+300"),
        (changed(tstamp=10**400), "tstamp is no time: 1000000000000000000000000000000000000..."),
        (changed(start=True), "start is no time: True"),
        (changed(finish=float("nan")), "finish is no time: nan"),
        (with_state(roles=["USER"]), "roles are not two texts"),
        (with_state(offset=9), "offset is 9, of 2 messages"),
        (with_state(offset=-1), "offset is -1, of 2 messages"),
        (with_state(messages=[]), "there are no messages"),
        (with_state(messages={}), "messages are no list"),
        (with_state(messages=[["USER", 5]]), "message 1 is no text"),
        (with_state(messages=[["USER"]]), "message 1 is no role and text"),
        (with_state(messages=[["ASSISTANT", "x"]]), "the roles of messages do not take turns: message 1"),
        (
            json.dumps({"type": "chat", "model": "m", "messages": [{"role": "user"}]}).encode(),
            "message 1 has no content",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_line_is_told_by_its_number_and_the_others_are_read(tmp_path, line, why):
    path = tmp_path / "2026-11-22-conv.json"
    path.write_bytes(GOOD + b"\n\n" + line + b"\n" + json.dumps(llava(9, "One?", "1", "Two?", "2")).encode())
    counts, [(name, number, problem)] = bring_in(path)
    assert (name, number) == ("2026-11-22-conv.json", 3)
    assert problem.startswith(why)
    assert (counts["lines"], counts["unplaced"], Message.objects.replies().count()) == (3, 1, 2)


def command(path, **options):
    """Give the lines that the command says."""
    out = io.StringIO()
    call_command("import_logs", str(path), stdout=out, **options)
    return out.getvalue().splitlines()


def test_other_encodings_are_read_when_named(tmp_path):
    path = tmp_path / "2026-11-22-conv.json"
    question = "这张图片里有什么？"
    text = json.dumps(llava(0, question, "一只猫。"), ensure_ascii=False)
    path.write_bytes(b"\xef\xbb\xbf" + GOOD + b"\r\n" + text.encode("gb18030") + b"\n")
    assert command(path)[0].startswith(f"{path}:2: not UTF-8 at byte ")
    assert not Message.objects.filter(text=question).exists()
    assert "without a place" not in command(path, encoding="gb18030")[0]
    path.write_text(text)
    assert "1 lines that were here already" in command(path)[0]  # the same in another encoding is the same
    assert Message.objects.filter(text=question).count() == 1


def test_a_file_of_16_bits_is_told(tmp_path):
    path = tmp_path / "2026-11-22-conv.json"
    path.write_bytes(GOOD.decode().encode("utf-16"))
    _, problems = bring_in(path)
    assert problems == [(path.name, 1, "the file is UTF-16; convert it to UTF-8")]


def test_a_line_without_end_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 2**16)
    path = tmp_path / "2026-11-22-conv.json"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
        file.seek(0, 2)
        file.write(b"\n" + GOOD)
    tracemalloc.start()
    counts, [(_, number, problem)] = bring_in(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (number, problem, counts["chats"]) == (1, "longer than 65,536 bytes", 1)
    assert most < 30 * 2**20


@pytest.mark.django_db(transaction=True)
def test_images_are_kept_under_the_name_of_their_file(tmp_path):
    path = SAMPLES / "llava" / "2026-11-22-conv.json"
    command(path)
    shown = MessageImage.objects.select_related("upload__image", "message")
    assert shown.count() > 10
    stems = {file.stem for file in (SAMPLES / "llava" / "serve_images").rglob("*.jpg")}
    for each in shown:
        image = each.upload.image
        assert image.md5 in stems
        assert image.width > 0
        with image.file.open() as file:
            assert file.read(8) == b"\x89PNG\r\n\x1a\n"
        assert each.message.role == Role.USER


@pytest.mark.django_db(transaction=True)
def test_a_missing_image_is_told_and_found_when_its_file_comes(tmp_path):
    path = tmp_path / "2026-11-22-conv.json"
    [source] = list((SAMPLES / "llava" / "serve_images").rglob("1534*.jpg"))
    md5 = source.stem
    path.write_text(json.dumps(llava(0, "<image>\nOne?", "1", images=[md5])))
    told = []
    for folder in ("elsewhere", "serve_images"):
        (tmp_path / folder / "2026-11-20").mkdir(parents=True)
    for _ in range(2):
        told.append(command(path))
    assert told[0][0] == f"{path}:1: image {md5}: there is no such file"
    assert Image.objects.get().file.name == ""
    assert exported()[0]["images"] == [md5]
    (tmp_path / "elsewhere" / f"{md5}.jpg").write_bytes(source.read_bytes())
    command(path, images=[tmp_path / "elsewhere"])
    image = Image.objects.get()
    assert (image.md5, bool(image.file), image.width > 0) == (md5, True, True)
    assert MessageImage.objects.get().upload.image == image


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_no_image_is_told_with_the_reason(tmp_path):
    path = tmp_path / "2026-11-22-conv.json"
    (tmp_path / "serve_images").mkdir()
    (tmp_path / "serve_images" / f"{'a' * 32}.jpg").write_bytes(b"<svg onload=alert(1)>")
    path.write_text(json.dumps(llava(0, "<image>\nOne?", "1", images=["a" * 32])))
    assert "This file is not an image of a kind that works here." in command(path)[0]
    assert Conversation.objects.count() == 1


def test_names_of_images_lead_nowhere_else(tmp_path):
    path = tmp_path / "2026-11-22-conv.json"
    line = llava(0, "<image>\nOne?", "1", images=["../../../etc/passwd"])
    path.write_text(json.dumps(line))
    _, problems = bring_in(path)
    assert (problems, Image.objects.count()) == ([], 0)
    assert exported()[0]["images"] == ["../../../etc/passwd"]


def test_what_can_not_be_opened_is_one_clear_line(tmp_path):
    with pytest.raises(CommandError, match="nowhere: no such file or folder"):
        call_command("import_logs", str(tmp_path / "nowhere"))
    with pytest.raises(CommandError, match="--encoding: there is no encoding 'klingon'"):
        call_command("import_logs", str(tmp_path), encoding="klingon")
    with pytest.raises(CommandError, match=r"--images: .* is no folder"):
        call_command("import_logs", str(tmp_path), images=[tmp_path / "nowhere"])


def test_a_batch_that_fails_leaves_nothing_of_itself(tmp_path, monkeypatch):
    path = tmp_path / "2026-11-22-conv.json"
    path.write_bytes(GOOD)

    def broken(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("feedback.imports.opinions.Opinions.write", broken)
    with pytest.raises(OSError, match="No space"), transaction.atomic():
        bring_in(path)
    assert Message.objects.count() == 0


def test_an_import_is_in_the_audit_log_and_told_on_a_terminal(tmp_path, monkeypatch):
    for name in ("2026-11-22-conv.json", "vision-tmp-2026-11-23-conv.json"):
        (tmp_path / name).write_bytes(GOOD)
    (tmp_path / "other.json").write_text("no log")
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    told = command(tmp_path)
    assert told == ["2 lines in 2 files: 1 conversations, 1 replies, 1 lines that were here already"]
    begun, ended = AuditEntry.objects.order_by("pk")
    assert (begun.action, begun.detail["files"], begun.detail["paths"]) == ("import", 2, [str(tmp_path)])
    assert (ended.action, ended.detail["chats"], ended.detail["repeated"]) == ("import_complete", 1, 1)
    assert "100%  2 lines" in terminal.getvalue()


def test_an_import_that_is_stopped_says_how_to_go_on(tmp_path, monkeypatch):
    path = tmp_path / "2026-11-22-conv.json"
    path.write_bytes(GOOD + b"\n" + json.dumps(llava(9, "One?", "1", "Two?", "2")).encode())
    monkeypatch.setattr("feedback.imports.run.BATCH_LINES", 1)
    store, calls = Importer.store, []

    def stopped(self, lines, images):
        calls.append(lines)
        if len(calls) == 2:
            raise KeyboardInterrupt
        store(self, lines, images)

    monkeypatch.setattr(Importer, "store", stopped)
    with pytest.raises(CommandError, match=r"Stopped: KeyboardInterrupt\. What was read before is imported"):
        command(path)
    assert Message.objects.replies().count() == 1
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["import", "import_stopped"]
    assert AuditEntry.objects.latest("pk").detail == {"lines": 1, "why": "KeyboardInterrupt"}
    monkeypatch.undo()
    command(path)
    assert Message.objects.replies().count() == 2


@pytest.mark.parametrize("ip", [["203.0.113.4"], 3405803780, {"v4": "203.0.113.4"}, True])
def test_an_address_that_is_no_text_is_kept_as_a_hash_only(tmp_path, settings, ip):
    path = tmp_path / "2026-11-22-conv.json"
    path.write_bytes(changed(ip=ip))
    bring_in(path)
    line = LogLine.objects.get(kind="chat")
    assert "ip" not in (json.loads(line.rest) if line.rest else {})
    hashed = hash_of_text(json.dumps(ip))
    assert (line.visitor.address, line.visitor.address_hash) == (None, hashed)
    assert [exported(addresses=wanted)[0]["ip"] for wanted in (False, True)] == ["", hashed]


def test_images_that_a_vote_names_itself_come_back_and_it_finds_its_reply(tmp_path):
    chat = llava(0, "<image>\nOne?", "1", images=["0" * 31 + "1"])
    vote = llava(9, "<image>\nOne?", "1", kind="upvote") | {"images": ["0" * 31 + "2", 5]}
    path = tmp_path / "2026-11-22-conv.json"
    path.write_text("".join(json.dumps(line) + "\n" for line in (chat, vote)))
    _, problems = bring_in(path)
    assert problems == []
    assert Vote.objects.get().message.text == "1"
    assert exported()[1]["images"] == vote["images"]


PLAIN = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": "1"}]


@pytest.mark.parametrize(
    "line",
    [
        changed(gen_params={"temperature": 10**400}),
        changed(filenames="one.jpg"),
        changed(filenames=[[0, ["one.jpg"]]]),
        with_state(sep=["</s>"], sep2={}),
        with_state(template_name="\ud800\0"),
        json.dumps({"type": "chat", "model": "m", "messages": PLAIN, "state": None}).encode(),
        json.dumps({"type": "chat", "model": "m", "messages": PLAIN, "filenames": ["one.jpg"]}).encode(),
    ],
)
def test_fields_of_another_type_than_any_server_writes_are_kept_and_stop_no_import(line, tmp_path, settings):
    settings.MMCHAT_STORE_ADDRESSES = True
    path = tmp_path / "2026-11-22-conv.json"
    path.write_bytes(line + b"\n" + json.dumps(llava(9, "Nine?", "9")).encode())
    bring_in(path)
    assert json.loads(line) in exported()


def test_a_battle_that_has_one_state_beside_its_two_is_told(tmp_path):
    state = llava(0, "One?", "1")["state"] | {"model_name": "m", "conv_id": "c"}
    path = tmp_path / "log"
    path.write_text(json.dumps({"tstamp": 1.0, "type": "tievote", "state": state, "states": [state, state]}))
    assert bring_in(path)[1] == [("log", 1, "type tievote has both state and states")]
