"""A backup of a site that is written to, restored into the other kind of database: the same rows, sums and files."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.chat.backup.sites import ask, done, files_of, filled, postgresql, site_at, written_to
from tests.running import Site

# What only the restored site has: who restored it.
OWN = {"chat.auditentry"}


class Step(NamedTuple):
    """A site that was backed up while it was written to, and the one that was made of the archive."""

    old: Site
    new: Site
    archive: Path
    label: str
    before: int
    during: int
    said: str
    again: dict


def manifest(path):
    with tarfile.open(path) as tar:
        return json.load(tar.extractfile("manifest.json"))


def pairs(site, label):
    groups = ask(site, f"SELECT name FROM auth_group WHERE name LIKE '{label} %' ORDER BY name")
    sites = ask(site, f"SELECT origin FROM chat_embeddingsite WHERE origin LIKE '{label} %' ORDER BY origin")
    assert [name for (name,) in groups] == [name for (name,) in sites], (
        "two rows of one transaction were torn apart"
    )
    return len(groups)


def step(old, new, archive, label):
    with written_to(old, label) as written:
        before = written[0]
        done(old.manage("backup", str(archive)))
        during = written[0] - before
    said = done(new.manage("restore", str(archive)))
    again = archive.with_name(f"again {archive.name}")
    done(new.manage("backup", str(again)))
    return Step(old, new, archive, label, before, during, said, manifest(again))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("backup")


@pytest.fixture(scope="module")
def steps(folder):
    """A site on SQLite that comes to PostgreSQL by its backup, and by a backup of that back to SQLite."""
    with postgresql() as url:
        first, second, third = (
            filled(folder / "first"),
            site_at(folder / "second", url),
            site_at(folder / "third"),
        )
        shutil.copytree(first.folder, folder / "unmoved")
        yield {
            "to PostgreSQL": step(first, second, folder / "first.tar", "there"),
            "to SQLite": step(second, third, folder / "second.tar", "back"),
        }


@pytest.fixture(params=["to PostgreSQL", "to SQLite"])
def moved(request, steps):
    return steps[request.param]


def test_it_is_one_moment_of_the_database_although_it_is_written_to(moved):
    assert moved.during > 5, "nobody wrote while the backup was made"
    assert moved.before <= pairs(moved.new, moved.label) <= moved.before + moved.during
    assert "restored and compared" in moved.said


def test_rows_sums_files_and_key_are_those_of_the_archive(moved):
    one, other = manifest(moved.archive), moved.again
    assert one["media"] == other["media"]
    assert one["media"]["files"] == len(files_of(moved.old)) > 3
    assert files_of(moved.new) == files_of(moved.old)
    assert {name for name in one["tables"] if one["tables"][name] != other["tables"][name]} == OWN
    assert one["tables"]["chat.message"]["rows"] > 300
    assert (moved.new.folder / "secret_key").read_text() == (moved.old.folder / "secret_key").read_text()
    full = [name for name, table in one["tables"].items() if table["rows"]]
    assert sum(name.startswith(("chat.", "feedback.")) for name in full) > 25


def test_only_its_owner_reads_the_archive_and_the_key(moved):
    assert moved.archive.stat().st_mode & 0o777 == 0o600
    assert (moved.new.folder / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_site_that_has_anything_is_left_as_it_is(moved):
    before = ask(moved.new, "SELECT count(*) FROM chat_message"), files_of(moved.new)
    refused = moved.new.manage("restore", str(moved.archive))
    assert refused.returncode == 1
    assert "site_not_empty: the database has tables already" in refused.stderr
    assert (ask(moved.new, "SELECT count(*) FROM chat_message"), files_of(moved.new)) == before


def test_new_rows_get_numbers_that_no_row_has(moved):
    words = "from chat.models import Announcement as A; print(A.objects.create(text='new').pk)"
    done(moved.new.manage("shell", "-v", "0", "--no-imports", "-c", words))


def test_a_site_moves_from_sqlite_to_postgresql_by_one_command(steps, folder):
    old = site_at(folder / "unmoved")
    with postgresql() as url:
        assert "the site runs" in old.manage("move_to_postgresql", url).stderr
        for table in ("chat_circuitbreaker", "chat_serverprocess"):
            ask(old, f"DELETE FROM {table}")
        # SQLite takes a NUL, PostgreSQL does not.
        ask(
            old,
            "UPDATE chat_embeddingsite SET note = char(0) WHERE id = (SELECT max(id) FROM chat_embeddingsite)",
        )
        (old.folder / ".moving-of-one-that-was-killed").mkdir()
        refused = old.manage("move_to_postgresql", url).stderr
        assert refused.startswith("CommandError: nothing was moved: row_refused: "), refused
        assert "of chat.embeddingsite: PostgreSQL text fields cannot contain NUL" in refused
        ask(old, "UPDATE chat_embeddingsite SET note = ''")
        said = done(old.manage("move_to_postgresql", url))
        new = site_at(folder / "unmoved", url)
        for table in ("chat_message", "feedback_vote", "chat_image", "auth_user"):
            count = f"SELECT count(*) FROM {table}"
            assert ask(old, count) == ask(new, count), table
        assert f"{ask(new, 'SELECT count(*) FROM chat_message')[0][0]:,}  chat.message" in said
        assert not list(old.folder.glob(".moving-*"))
