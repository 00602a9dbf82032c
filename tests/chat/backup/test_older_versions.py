"""What older versions stored comes through: by the migrations since in place, and by a restored backup of theirs."""

import contextlib

import pytest

from tests.chat.backup.sites import ask, done, files_of, postgresql, site_at

# Where the tables of each version stand that people may have; a release adds its line.
VERSIONS = {
    "the first migrations": [["chat", "0001_initial"], ["feedback", "0001_initial"]],
}
ROWS = {
    "auth_user": "username = 'old-hand'",
    "chat_visitor": "terms_version = '1'",
    "chat_chatmodel": "name = 'llava-old'",
    "chat_conversation": "title = '旧对话'",
    "chat_message": "text = 'A cat.' AND parent_id IS NOT NULL",
    "chat_image": "difference_hash = -5",
    "chat_upload": "name = 'old.png'",
    "chat_messageimage": "position = 0",
    "chat_moderationevent": "outcome = 'refused'",
    "chat_auditentry": "action = 'export'",
    "chat_backend": "name = 'outside'",
    "feedback_vote": "comment = 'good'",
    "feedback_flag": "comment = 'bad'",
}


def rows(site):
    return {
        table: ask(site, f"SELECT count(*) FROM {table} WHERE {where}")[0][0] for table, where in ROWS.items()
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_its_rows_are_there_after_the_update_and_after_a_restore(tmp_path, database, version):
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgresql())
        old_url, new_url = (None, url) if database == "sqlite" else (url, None)
        old, new = site_at(tmp_path / "old", old_url), site_at(tmp_path / "new", new_url)
        archive = tmp_path / "old.tar"
        words = f"from tests.chat.backup.older import make; make({VERSIONS[version]!r}, {str(archive)!r})"
        done(old.manage("shell", "-v", "0", "--no-imports", "-c", words))
        done(old.manage("migrate", "-v", "0"))
        assert rows(old) == dict.fromkeys(ROWS, 1)
        done(new.manage("restore", str(archive)))
        assert rows(new) == dict.fromkeys(ROWS, 1)
        assert files_of(new) == {"images/ab/old.png": b"old picture"}
