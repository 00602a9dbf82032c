"""Exports in the background: asked for in the admin, claimed, made, gone on with, cancelled, fetched, removed."""

import datetime
import io
import json
import os
import uuid
import zipfile

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from chat.models import AuditEntry
from feedback import exports
from feedback.exchange import export as exporting
from feedback.exchange import heads, reading
from feedback.exporter import STOOD_STILL_SECONDS, Exporter
from feedback.models import Export
from tests.chat.admin.conftest import browser_of
from tests.feedback.stories import exchange, make_conversation, make_upload, make_visitor

pytestmark = pytest.mark.django_db
LIST = "admin:feedback_export_changelist"


@pytest.fixture(autouse=True)
def own_place(settings, tmp_path, monkeypatch):
    settings.MMCHAT_DATA_DIR = tmp_path / "data"
    monkeypatch.setattr(
        exports, "BEAT_SECONDS", 3600
    )  # SQLite in memory has one connection, and no second thread


@pytest.fixture
def analyst(db):
    user = User.objects.create_user("analyst", is_staff=True)
    user.groups.add(Group.objects.get(name="analyst"))
    return user


@pytest.fixture
def said(db):
    visitor = make_visitor(address="203.0.113.9")
    conversation = make_conversation(visitor)
    for _ in range(4):
        exchange(conversation, uploads=[make_upload(visitor)])


def asked(format_name="jsonl", **choice):
    row = Export(format=format_name, choice=choice)
    exports.ask_for(row, "admin")
    return row


def made(row):
    owner = uuid.uuid4()
    assert exports.claim(row, owner)
    exports.make(row.pk, owner)
    row.refresh_from_db()
    return row


def test_what_an_analyst_asks_for_is_made_and_can_be_fetched(analyst, said):
    browser = browser_of(analyst)
    response = browser.post(
        reverse("admin:feedback_export_add"),
        {"format": "finetuning", "images": "on", "models": ["llava-v1.5-7b"], "licence": "MIT"},
    )
    assert response.status_code == 302, response.context["errors"]
    row = Export.objects.get()
    assert (row.requester, row.state, row.choice["licence"]) == (analyst, "waiting", "MIT")
    assert "<progress" in browser.get(reverse(LIST)).content.decode()
    assert made(row).state == "complete"
    page = browser.get(reverse(LIST)).content.decode()
    link = reverse("admin:feedback_export_download", args=[row.pk])
    assert link in page
    assert "models: llava-v1.5-7b" in page
    response = browser.get(link)
    assert response["Content-Disposition"].endswith(f'{str(row.pk)[:8]}.zip"')
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    names = archive.namelist()
    assert names == sorted(names)
    assert {name.split("/")[1] for name in names} == {"README.md", "images", "train.json"}
    assert len(json.loads(archive.read("mmchat-finetuning/train.json"))) == row.entries == 4
    actions = AuditEntry.objects.order_by("pk").values_list("action", "actor__username")
    assert list(actions) == [("export", "analyst"), ("export_download", "analyst")]
    assert not os.listdir(exports._folder(row).parent)


def test_the_same_rows_give_the_same_archive(said):
    rows = [made(asked("imagefolder", images=True)) for _ in range(2)]
    found = []
    for row in rows:
        with default_storage.open(row.file.name) as file:
            found.append(file.read())
    assert found[0] == found[1]


def test_a_moderator_may_not_export_and_an_analyst_gets_no_addresses(analyst, said):
    moderator = User.objects.create_user("moderator", is_staff=True)
    moderator.groups.add(Group.objects.get(name="moderator"))
    row = made(asked(addresses=True))
    link = reverse("admin:feedback_export_download", args=[row.pk])
    for address in (reverse(LIST), reverse("admin:feedback_export_add"), link):
        assert browser_of(moderator).get(address).status_code == 403
    browser = browser_of(analyst)
    assert browser.get(link).status_code == 403
    form = {"format": "jsonl", "addresses": "on"}
    page = browser.post(reverse("admin:feedback_export_add"), form).content.decode()
    assert "You may not see visitors&#x27; addresses." in page
    assert Export.objects.count() == 1
    assert b"203.0.113.9" in b"".join(
        browser_of(User.objects.create_superuser("root")).get(link).streaming_content
    )


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"format": "imagefolder"}, "ask for images"),
        ({"format": "jsonl", "since": "2026-11-23", "until": "2026-11-22"}, "must lie after the beginning"),
        ({"format": "finetuning", "types": ["flag"]}, "choose from chat"),
    ],
)
def test_what_can_not_be_is_said_beside_its_field(analyst, form, words):
    page = browser_of(analyst).post(reverse("admin:feedback_export_add"), form).content.decode()
    assert words in page
    assert not Export.objects.exists()
    assert not AuditEntry.objects.exists()


def test_only_so_many_wait_at_once(analyst, monkeypatch):
    monkeypatch.setattr(exports, "MOST_UNFINISHED", 1)
    asked()
    response = browser_of(analyst).post(
        reverse("admin:feedback_export_add"), {"format": "jsonl"}, follow=True
    )
    assert "enough exports under way" in response.content.decode()
    assert Export.objects.count() == 1


def test_two_processes_that_claim_one_export_agree(said):
    row = asked()
    seen = Export.objects.get()
    assert exports.claim(row, uuid.uuid4())
    assert not exports.claim(seen, uuid.uuid4())


def test_one_whose_counter_stands_still_goes_to_another_process_which_goes_on(said, monkeypatch):
    monkeypatch.setattr(heads, "PAGE", 1)
    monkeypatch.setattr(reading, "BATCH", 1)
    monkeypatch.setattr(exporting, "KEEP_SECONDS", -1)
    row, dead = asked(), uuid.uuid4()
    exports.claim(row, dead)

    def killed(self, done, total):
        if done == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(exports._Beat, "tell", killed)
        with pytest.raises(KeyboardInterrupt):
            exports.make(row.pk, dead)
    now = [100.0]
    started = []
    monkeypatch.setattr("feedback.exporter.time.monotonic", lambda: now[0])
    monkeypatch.setattr(
        "feedback.exporter.subprocess.Popen", lambda command, **named: started.append(command)
    )
    exporter = Exporter()
    exporter.look()
    now[0] += STOOD_STILL_SECONDS - 1
    exporter.look()
    assert started == []
    Export.objects.update(heartbeat=7)  # it lives
    now[0] += 2
    exporter.look()
    assert started == []
    now[0] += STOOD_STILL_SECONDS
    exporter.look()
    [[*_, command, pk, owner]] = started
    assert (command, pk) == ("run_export", str(row.pk))
    resumed = []
    monkeypatch.setattr(
        exports, "export", lambda *given: resumed.append(exporting.export(*given)) or resumed[0]
    )
    exports.make(row.pk, uuid.UUID(owner))
    row.refresh_from_db()
    assert (row.state, row.entries, resumed[0].resumed_at > 0) == ("complete", 4, True)
    exports.make(row.pk, dead)  # the one that was taken for dead wakes up, and does nothing
    assert Export.objects.get().file == row.file


class Killed:
    """A process that ends at once, as one does that the system kills for want of memory."""

    def __init__(self, command, **named):
        self.command = command

    def poll(self):
        return -9


@pytest.fixture
def look(monkeypatch):
    """Let an hour pass and one process look for exports, whose own are killed; give how many it began in all."""
    now, begun = [100.0], []
    monkeypatch.setattr("feedback.exporter.time.monotonic", lambda: now[0])
    monkeypatch.setattr(
        "feedback.exporter.subprocess.Popen", lambda *given, **named: begun.append(1) or Killed(*given)
    )
    exporter = Exporter()

    def look():
        now[0] += 3600
        exporter.look()
        return len(begun)

    return look


def test_one_whose_process_is_killed_again_and_again_ends_with_the_reason_and_the_next_has_its_turn(
    analyst, look, caplog
):
    greedy, other = asked(), asked()
    folder = exports._folder(greedy)
    folder.mkdir(parents=True)
    # Each look that begins one is followed by one that sees its counter for the first time, and by one that waited.
    while look() < exports.MOST_ATTEMPTS:
        greedy.refresh_from_db()
        assert greedy.state == "running"
    assert [look(), look()] == [3, 3]
    greedy.refresh_from_db()
    assert (greedy.state, greedy.error_code, greedy.attempts) == ("failed", "export_died", 3)
    assert not folder.exists()
    assert "ended with status -9" in caplog.text
    page = browser_of(analyst).get(reverse(LIST)).content.decode()
    assert "Its process died 3 times" in page
    assert "Ask for less at once" in page
    assert "(export_died)" in page
    detail = browser_of(analyst).get(reverse("admin:feedback_export_change", args=[greedy.pk]))
    assert "export_died" in detail.content.decode()
    look()
    other.refresh_from_db()
    assert (other.state, other.attempts) == ("running", 1)


def test_an_export_that_the_site_ended_itself_may_begin_as_often_as_the_site_does(said):
    row = asked()
    for _ in range(exports.MOST_ATTEMPTS + 1):
        owner = uuid.uuid4()
        row.refresh_from_db()
        assert exports.claim(row, owner)
        exports.give_back(owner)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("waiting", 0)
    assert made(row).state == "complete"


def test_who_gives_one_up_sees_that_somebody_has_it_after_all(said):
    row = asked()
    seen = Export.objects.get()
    exports.claim(row, uuid.uuid4())
    assert not exports.give_up(seen)
    row.refresh_from_db()
    assert row.state == "running"


def test_one_export_runs_at_a_time(said, monkeypatch):
    started = []
    monkeypatch.setattr(
        "feedback.exporter.subprocess.Popen", lambda command, **named: started.append(command)
    )
    asked(), asked()
    Exporter().look()
    Exporter().look()
    assert len(started) == 1


def test_a_cancelled_export_ends_and_leaves_nothing(analyst, said, monkeypatch):
    row, owner = asked(), uuid.uuid4()
    exports.claim(row, owner)

    def tell(self, done, total):
        browser_of(analyst).post(reverse("admin:feedback_export_cancel", args=[row.pk]))
        self._is_lost.set()  # as its thread does once the row is no longer its own
        self.check()

    monkeypatch.setattr(exports._Beat, "tell", tell)
    exports.make(row.pk, owner)
    row.refresh_from_db()
    assert (row.state, row.file.name) == ("cancelled", "")
    assert not exports._folder(row).exists()
    assert AuditEntry.objects.filter(action="export_cancel", actor=analyst).exists()


def test_a_disk_that_fills_ends_it_with_the_reason(said, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "export", full)
    row = made(asked())
    assert (row.state, row.error, row.error_code) == ("failed", "No space left on device", "storage_full")
    assert not exports._folder(row).exists()


def test_one_that_failed_can_be_asked_for_again_as_it_was(analyst, said):
    browser = browser_of(analyst)
    add = reverse("admin:feedback_export_add")
    form = {"format": "csv", "since": "2026-11-01", "votes": ["down"], "images": "", "licence": "MIT"}
    assert browser.post(add, form).status_code == 302
    row = Export.objects.get()
    again = f"{add}?like={row.pk}"
    assert again not in browser.get(reverse(LIST)).content.decode()
    Export.objects.update(state="failed", error="No space left on device", error_code="storage_full")
    assert again in browser.get(reverse(LIST)).content.decode()
    shown = browser.get(again).context["adminform"].form
    assert [shown[name].value() for name in ("format", "since", "licence")] == ["csv", "2026-11-01", "MIT"]
    browser.post(add, {name: shown[name].value() for name in shown.fields if shown[name].value()})
    assert Export.objects.unfinished().get().choice == row.choice
    for unknown in ("nonsense", uuid.uuid4()):
        assert browser.get(f"{add}?like={unknown}").status_code == 200


def test_an_export_that_fails_unexpectedly_ends_and_does_not_keep_the_others_waiting(
    said, monkeypatch, caplog
):
    def broken(*arguments):
        raise KeyError("a bug")

    monkeypatch.setattr(exports, "export", broken)
    row = made(asked())
    assert (row.state, row.error_code, "its log tells more" in row.error) == (
        "failed",
        "internal_error",
        True,
    )
    assert "a bug" in caplog.text
    assert not Export.objects.unfinished().exists()


def test_files_go_after_some_days_and_with_them_what_dead_processes_left(said, settings, tmp_path):
    old, young = made(asked()), made(asked())
    Export.objects.filter(pk=old.pk).update(created=timezone.now() - datetime.timedelta(days=8))
    (tmp_path / "data" / "exports" / "left").mkdir(parents=True)
    # A process may have died between the file and its row.
    left = default_storage.save(f"exports/{uuid.uuid4()}.zip", ContentFile(b"left"))
    waiting = asked()
    begun = default_storage.save(f"exports/{waiting.pk}.jsonl", ContentFile(b"begun"))
    assert exports.remove_old() == 1
    assert not default_storage.exists(old.file.name)
    assert default_storage.exists(young.file.name)
    assert default_storage.exists(begun)
    assert not default_storage.exists(left)
    assert os.listdir(tmp_path / "data" / "exports") == []
    assert AuditEntry.objects.filter(target=f"export {old.pk}").exists()
