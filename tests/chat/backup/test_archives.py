"""Archives that are none, damaged or newer are refused by name, before anything is written."""

import tarfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from chat.backup import restoring, versions
from chat.backup.backing_up import back_up
from chat.backup.errors import BackupFailed
from chat.backup.tables import Tally
from chat.models import AuditEntry, Image
from tests.chat.admin.rows import make_everything
from tests.chat.backup.sites import ask, done, files_of, site_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        }
    }
    make_everything()
    image = Image.objects.first()
    image.file = default_storage.save("images/a.bin", ContentFile(b"a picture" * 1000))
    image.jpeg = image.thumbnail = ""
    image.save()
    Image.objects.exclude(pk=image.pk).update(file="images/gone.bin", jpeg="", thumbnail="")


@pytest.fixture
def archive(filled, tmp_path):
    back_up(tmp_path / "site.tar")
    return tmp_path / "site.tar"


def refused(path):
    with pytest.raises(BackupFailed) as told:
        restoring._looked_through(path)
    return told.value.code


def test_a_sound_one_is_read(archive, tmp_path):
    assert restoring._looked_through(archive).manifest["media"]["files"] == 1
    entry = AuditEntry.objects.first()
    assert (entry.action, entry.detail["media"]["files"]) == ("backup", 1)
    with pytest.raises(BackupFailed, match="file_exists"):
        back_up(archive)
    assert sorted(path.name for path in tmp_path.glob("*.tar*")) == ["site.tar"]


def test_files_that_are_gone_meanwhile_are_counted(filled, tmp_path):
    assert (
        back_up(tmp_path / "site.tar")["missing"] == Image.objects.filter(file="images/gone.bin").count() > 0
    )


def test_a_byte_that_changed_anywhere_is_found(archive, tmp_path):
    whole = archive.read_bytes()
    with tarfile.open(archive) as tar:
        members = [member for member in tar if member.size]
    assert {member.name.split("/")[0] for member in members} == {
        "head.json", "tables", "media", "secret_key", "manifest.json", "manifest.sha256",
    }  # fmt: skip
    broken = tmp_path / "broken.tar"
    for member in members:
        for place in (member.offset + 5, member.offset_data, member.offset_data + member.size // 2):
            broken.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert refused(broken) in ("archive_damaged", "archive_unknown"), (member.name, place)


def test_an_end_that_is_missing_is_found(archive, tmp_path):
    whole = archive.read_bytes()
    with tarfile.open(archive) as tar:
        places = [member.offset for member in tar if member.offset] + [300, len(whole) // 2, len(whole) // 3]
    for place in places:
        (tmp_path / "short.tar").write_bytes(whole[:place])
        assert refused(tmp_path / "short.tar") in ("archive_damaged", "archive_unknown"), place


def test_what_is_no_archive_is_refused_by_name(tmp_path):
    (tmp_path / "text").write_text("text" * 1000)
    assert refused(tmp_path / "text") == "archive_damaged"
    assert refused(tmp_path / "nothing") == "archive_unreadable"
    assert refused(tmp_path) == "archive_unreadable"
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.add(tmp_path / "text", "media/text")
    assert refused(tmp_path / "other.tar") == "archive_unknown"


def test_one_of_a_newer_version_is_refused_by_name(filled, tmp_path, monkeypatch):
    had = versions.applied()
    monkeypatch.setattr(versions, "applied", lambda: [*had, ["chat", "9999_from_tomorrow"]])
    back_up(tmp_path / "site.tar")
    assert refused(tmp_path / "site.tar") == "archive_newer"


def test_a_restore_that_fails_leaves_nothing_so_that_it_can_be_tried_again(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(Tally, "told", lambda tally: {"rows": tally.rows, "sum": "wrong"})
    back_up(tmp_path / "wrong.tar")
    monkeypatch.undo()
    back_up(tmp_path / "right.tar")
    site = site_at(tmp_path / "new")
    failed = site.manage("restore", str(tmp_path / "wrong.tar"))
    assert "rows_differ" in failed.stderr
    assert files_of(site) == {}
    assert ask(site, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'") == []
    assert "restored and compared" in done(site.manage("restore", str(tmp_path / "right.tar")))
    assert list(files_of(site)) == ["images/a.bin"]
