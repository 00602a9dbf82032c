"""What each format of an export holds, and that those who read it can."""

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image as Pillow

from chat.models import BlockedImage, Image, ReplyState
from feedback.exchange import fastchat, table
from feedback.exchange.choice import Choice
from feedback.exchange.export import export
from feedback.exchange.formats import FORMATS
from feedback.exchange.reading import records
from feedback.flags import flag
from feedback.preferences import set_preference
from feedback.votes import set_vote
from tests.feedback.stories import answer, exchange, make_conversation, make_model, make_upload, make_visitor

pytestmark = pytest.mark.django_db
SAMPLES = {
    line["type"]: line
    for line in map(json.loads, (Path(__file__).parent / "samples/fastchat.jsonl").read_text().splitlines())
}
MD5S = ["a" * 32, "b" * 32]


@pytest.fixture
def visitor(db):
    return make_visitor(address="203.0.113.9")


@pytest.fixture
def reply(visitor):
    """A conversation of two turns, with two pictures in the first; its last reply."""
    uploads = [make_upload(visitor, md5) for md5 in MD5S]
    conversation = make_conversation(visitor, system_message="Be brief.")
    first = exchange(conversation, "What are these?", "Cats.", uploads=uploads)
    return exchange(conversation, "=2+2", "四 is 4.", parent=first)


def written(format_name, tmp_path, name="out", **choice):
    choice = {"types": FORMATS[format_name].kinds, **choice}
    export(format_name, Choice(**choice), tmp_path / name)
    return tmp_path / name


@pytest.mark.parametrize("kind", ["chat", "upvote", "downvote", "flag"])
def test_fastchats_lines_have_the_fields_of_real_ones_in_their_order(visitor, kind):
    reply = exchange(make_conversation(visitor))
    if kind == "flag":
        flag(visitor.key, reply.pk, "other")
    elif kind != "chat":
        set_vote(visitor.key, reply.pk, kind.removesuffix("vote"))
    [ours] = map(fastchat.line, records(Choice(types=(kind,), addresses=True)))
    real = SAMPLES[kind]
    assert list(ours) == list(real)
    assert list(ours["state"]) == list(real["state"])
    assert [type(value) for value in ours.values()] == [type(value) for value in real.values()]
    assert len(ours["state"]["conv_id"]) == len(real["state"]["conv_id"])


def test_a_message_of_fastchat_carries_the_md5s_of_its_images(reply):
    line = fastchat.line(list(records(Choice(types=("chat",))))[-1])
    assert line["images"] == MD5S
    assert line["state"]["messages"][0] == ["USER", ["What are these?", MD5S]]
    assert line["state"]["messages"][2] == ["USER", "=2+2"]
    assert line["state"]["has_csam_image"] is False
    assert line["gen_params"]["temperature"] == 0.8


def test_no_cell_of_csv_begins_a_formula_and_every_one_comes_back(visitor, reply, tmp_path):
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'quoted", "fine", '"quoted"', "a,b\nc"]
    wide = [
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff20SUM(A1)",
    ]  # spreadsheets set to Chinese or Japanese read them
    texts += wide
    for text in texts:
        exchange(make_conversation(visitor), text, text)
    set_vote(visitor.key, reply.pk, "up", comment="=cmd|' /C calc'!A0")
    raw = written("csv", tmp_path).read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(raw, newline="")))
    for row in rows:
        assert list(row) == list(table.COLUMNS)
        acts = ("=", "+", "-", "@", "\t", "\r", "\n", *(text[0] for text in wide))
        assert not [cell for cell in row.values() if cell.startswith(acts)]
    chats = [row for row in rows if row["type"] == "chat"][2:]
    assert [
        row["reply"].removeprefix("'") if row["reply"][0] == "'" else row["reply"] for row in chats
    ] == texts
    [vote] = [row for row in rows if row["type"] == "upvote"]
    assert vote["comment"] == "'=cmd|' /C calc'!A0"
    assert (vote["upvotes"], vote["downvotes"], vote["address"]) == ("1", "0", "")


def test_parquet_has_the_same_values_with_their_types(visitor, reply, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    set_vote(visitor.key, reply.pk, "down", ["wrong"], "No.")
    folder = written("parquet", tmp_path)
    rows = parquet.read_table(folder / "data").to_pylist()
    assert [row["type"] for row in rows] == ["chat", "chat", "downvote"]
    assert rows[1]["messages"] == table.messages(list(records())[1])
    assert rows[2]["reasons"] == ["wrong"]
    assert rows[1]["time"] == reply.finished
    assert rows[1]["images"] == [f"{md5}-4x3.png" for md5 in MD5S]
    assert b'data_files: "data/*.parquet"' in (folder / "README.md").read_bytes()


def test_fine_tuning_takes_each_conversation_once_with_all_its_turns(reply, tmp_path):
    exchange(reply.conversation, "And?", "Broke o", parent=reply, state=ReplyState.STOPPED)
    folder = written("finetuning", tmp_path, images=True)
    [entry] = json.loads((folder / "train.json").read_text())
    assert entry["conversations"] == [
        {"from": "human", "value": "<image>\n<image>\nWhat are these?"},
        {"from": "gpt", "value": "Cats."},
        {"from": "human", "value": "=2+2"},
        {"from": "gpt", "value": "四 is 4."},
    ]
    assert entry["image"] == [f"images/{md5}-4x3.png" for md5 in MD5S]
    assert all((folder / image).read_bytes() == b"picture" for image in entry["image"])


def test_fine_tuning_by_votes_takes_what_was_voted_on(visitor, reply, tmp_path):
    first = reply.parent.parent
    set_vote(visitor.key, first.pk, "up")
    folder = written("finetuning", tmp_path, votes=("up",))
    [entry] = json.loads((folder / "train.json").read_text())
    assert entry["id"] == str(first.pk)
    assert len(entry["conversations"]) == 2


def test_fine_tuning_of_nothing_is_an_empty_list(db, tmp_path):
    assert json.loads((written("finetuning", tmp_path) / "train.json").read_text()) == []


def test_preferences_are_pairs_with_the_conversation_before_them(visitor, reply, tmp_path):
    other = answer(reply.parent, "Five.", variant=1, model=make_model("other"))
    set_preference(visitor.key, reply.pk, True)
    [line] = (written("preferences", tmp_path) / "train.jsonl").read_text().splitlines()
    pair = json.loads(line)
    assert [message["role"] for message in pair["prompt"]] == ["user", "assistant", "user"]
    assert pair["prompt"][0]["content"] == "<image>\n<image>\nWhat are these?"
    assert pair["chosen"] == [{"role": "assistant", "content": "四 is 4."}]
    assert pair["rejected"] == [{"role": "assistant", "content": "Five."}]
    assert (pair["rejected_model"], pair["rejected_id"], pair["source"]) == ("other", str(other.pk), "marked")


def test_a_pair_in_which_one_reply_broke_off_is_none(visitor, reply, tmp_path):
    cut = answer(reply.parent, "Fi", ReplyState.FAILED, variant=1)
    set_preference(visitor.key, reply.pk, True)
    assert (written("preferences", tmp_path, "rejected") / "train.jsonl").read_text() == ""
    set_preference(visitor.key, cut.pk, True)
    assert (written("preferences", tmp_path, "chosen") / "train.jsonl").read_text() == ""


def test_an_image_folder_has_the_files_that_its_rows_name(reply, tmp_path):
    for image in Image.objects.all():
        with image.file.open("wb") as file:
            Pillow.new("RGB", (4, 3), "red").save(file, "PNG")
    folder = written("imagefolder", tmp_path, images=True)
    [row] = map(json.loads, (folder / "metadata.jsonl").read_text().splitlines())
    # `datasets` opens what a column named …_file_names holds, and finds metadata.jsonl beside README.md by itself.
    assert row["images_file_names"] == [f"images/{md5}-4x3.png" for md5 in MD5S]
    for name in row["images_file_names"]:
        with Pillow.open(folder / name) as picture:
            assert picture.size == (4, 3)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "images", "metadata.jsonl"]
    assert "configs:" not in (folder / "README.md").read_text()


@pytest.mark.parametrize("how", ["gone", "blocked"])
def test_an_example_with_a_picture_that_is_gone_is_left_out_and_counted(reply, tmp_path, how):
    image = Image.objects.first()
    if how == "gone":
        image.file.storage.delete(image.file.name)
    else:
        block = {"md5": image.md5, "width": 4, "height": 3, "difference_hash": 0}
        BlockedImage.objects.create(image=image, reason="Private", **block)
    folder = written("imagefolder", tmp_path, images=True)
    assert (folder / "metadata.jsonl").read_bytes() == b""
    assert len((written("jsonl", tmp_path, "log", images=True) / "log.jsonl").read_bytes().splitlines()) == 2
    assert "With a picture that is gone or blocked (left out): 1" in (folder / "README.md").read_text()


def test_the_card_tells_counts_dates_filters_consent_and_licence_and_no_time_of_its_own(reply, tmp_path):
    cards = [
        (written("finetuning", tmp_path, name, licence="CC-BY-4.0") / "README.md").read_text()
        for name in "ab"
    ]
    assert cards[0] == cards[1]
    assert cards[0].startswith('---\nlicense: "CC-BY-4.0"\nconfigs:\n')
    for part in (
        "- Entries: 1\n",
        "  - chat: 2\n",
        "- `llava-v1.5-7b`: 2\n",
        "- First: 2026-11-22 10:00:02+00:00",
        "- Addresses of visitors: left out",
        "## Consent\n\nAll conversations but those of visitors who had said no",
        "## Licence\n\nCC-BY-4.0",
        "- Pictures: not in this export",
    ):
        assert part in cards[0], part


@pytest.mark.parametrize("format_name", FORMATS.keys() - {"imported"})  # which has nothing of this site's own
def test_the_same_rows_give_the_same_bytes(visitor, reply, tmp_path, format_name):
    set_vote(visitor.key, reply.pk, "up", ["clear", "brilliant"])
    answer(reply.parent, "Other.", variant=1)
    set_preference(visitor.key, reply.pk, True)
    images = FORMATS[format_name].is_folder
    found = []
    for name in "ab":
        path = written(format_name, tmp_path, name, images=images)
        files = sorted(each for each in path.rglob("*") if each.is_file()) or [path]
        found.append({str(each.relative_to(path)): each.read_bytes() for each in files})
    assert found[0] == found[1]
    assert any(found[0].values())


@pytest.mark.parametrize("format_name", ["finetuning", "preferences", "imagefolder"])
def test_a_data_set_has_one_mark_for_each_picture_whatever_was_typed(visitor, tmp_path, format_name):
    uploads = [make_upload(visitor, md5) for md5 in MD5S]
    reply = exchange(make_conversation(visitor), "Say <image>!", "It is <image>.", uploads=uploads)
    answer(reply.parent, "<image>, no.", variant=1)
    set_preference(visitor.key, reply.pk, True)
    folder = written(format_name, tmp_path, images=True)
    text = (folder / FORMATS[format_name].file).read_text()
    entries = json.loads(text) if format_name == "finetuning" else list(map(json.loads, text.splitlines()))
    assert entries
    for entry in entries:
        assert json.dumps(entry).count("<image>") == len(MD5S)
