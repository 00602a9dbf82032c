"""What goes wrong around a backup: it is told by name, nothing incomplete is left, and it can be tried again."""

import gc
import io
import resource
import sys
import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import OperationalError

from chat.backup import archive, restoring, tables
from chat.backup.archive import Archive, Writer
from chat.backup.backing_up import back_up
from chat.backup.errors import BackupFailed
from chat.migration_lock import MIGRATION_LOCK
from chat.models import AuditEntry
from mmchat_site import startup
from tests.chat.backup.sites import ask, postgresql, site_at
from tests.running import wait_until

pytestmark = pytest.mark.django_db


@contextmanager
def files_of_at_most(size):
    """Let files grow to this size only, as on a full disk, here and in processes that are started."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["../secret_key", "/tmp/evil", "images/../../evil", ""])
def test_a_file_that_would_lie_outside_of_the_media_folder_is_refused_before_anything_is_written(
    tmp_path, name
):
    writer = Writer(tmp_path / "evil.tar", {"migrations": []})
    writer.file(name, 4, io.BytesIO(b"evil"))
    writer.close({"tables": {}, "media": writer.media.told()})
    with pytest.raises(BackupFailed, match="is no name in the media folder"):
        restoring._looked_through(tmp_path / "evil.tar")


def test_an_archive_of_a_newer_kind_is_told_from_one_that_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "FORMAT", "mmchat backup 2")
    Writer(tmp_path / "new.tar", {}).close({})
    monkeypatch.undo()
    with pytest.raises(BackupFailed, match="archive_newer"):
        list(Archive(tmp_path / "new.tar").members())


def test_of_two_that_write_one_archive_only_one_gives_it_its_name_and_that_is_complete(tmp_path):
    path = tmp_path / "site.tar"
    first, second = Writer(path, {"by": 1}), Writer(path, {"by": 2})
    with pytest.raises(BackupFailed, match="another process"):
        first.close({})
    first.drop()
    assert not path.exists()
    second.close({"parts": {}})
    read = Archive(path)
    assert (list(read.members()), read.head["by"]) == ([], 2)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_in_one_line_that_names_the_file_and_leaves_nothing(tmp_path, monkeypatch):
    told, stoppable = [], []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    monkeypatch.setattr(startup, "end_on_sigterm", lambda: stoppable.append(True))
    with files_of_at_most(15_000), pytest.raises(CommandError, match=r"site\.tar: File too large"):
        call_command("backup", str(tmp_path / "site.tar"))
    gc.collect()
    assert [str(each.exc_value) for each in told] == []
    assert list(tmp_path.iterdir()) == []
    assert stoppable, "SIGTERM would leave what was begun"


def test_an_archive_is_kept_although_the_database_takes_no_entry_of_it(tmp_path, monkeypatch):
    def full(**fields):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(AuditEntry.objects, "create", full)
    with pytest.raises(BackupFailed, match=r"not_noted: .*site\.tar is complete.*disk is full"):
        back_up(tmp_path / "site.tar")
    assert restoring._looked_through(tmp_path / "site.tar").manifest["tables"]


def test_a_row_that_the_database_does_not_take_is_named():
    lines = [b'[7,"one"]', b'[8,"other"]', b'[9,"one"]']
    with pytest.raises(BackupFailed, match=r"row_refused: .*the row 9 of auth\.group: (UNIQUE|duplicate)"):
        tables.insert(Group, lines, ["id", "name"])
    with pytest.raises(BackupFailed, match=r"a row of auth\.group can't be read"):
        tables.insert(Group, [b'[7,"one","more"]'], ["id", "name"])


def test_a_restore_for_which_the_disk_is_too_small_leaves_nothing(tmp_path):
    back_up(tmp_path / "site.tar")
    new = site_at(tmp_path / "new")
    with files_of_at_most(300_000):
        failed = new.manage("restore", str(tmp_path / "site.tar"))
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1), failed.stderr
    assert "disk" in failed.stderr
    assert [path.name for path in new.folder.iterdir()] == ["secret_key"]


def test_a_restore_waits_for_a_site_that_makes_its_tables_and_leaves_them(tmp_path):
    back_up(tmp_path / "site.tar")
    with postgresql() as url, psycopg.connect(url, autocommit=True) as site:
        site.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        new, said = site_at(tmp_path / "new", url), []
        restore = threading.Thread(
            target=lambda: said.append(new.manage("restore", str(tmp_path / "site.tar")))
        )
        restore.start()
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_until(lambda: site.execute(waiting).fetchone() or said, 60, "the restore to wait")
        site.execute("CREATE TABLE of_the_site (id int)")
        site.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
        restore.join()
        assert "site_not_empty: the database has tables already (of_the_site" in said[0].stderr
        assert ask(new, "SELECT count(*) FROM of_the_site") == [(0,)]


def test_a_database_that_is_away_or_has_no_tables_is_told_in_one_line(tmp_path):
    away = site_at(tmp_path / "away", "postgres://nobody@127.0.0.1:1/nothing")
    for command, of in (("backup", "site.tar"), ("restore", "site.tar")):
        failed = away.manage(command, str(tmp_path / of)).stderr
        assert failed.startswith("CommandError: database_away: "), failed
        assert "refused" in failed
        assert failed.count("\n") == 1
    failed = site_at(tmp_path / "none").manage("move_to_postgresql", "postgres://nobody@127.0.0.1:1/nothing")
    assert failed.stderr.startswith("CommandError: not_migrated: ")
