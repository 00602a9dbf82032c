"""The doctor on databases that are broken for real, and that its command ends as the findings say."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from chat.doctor import examination, space
from chat.doctor.database import database
from chat.doctor.finding import ok, warning, wrong
from chat.models import Chore
from tests.chat.doctor.findings import objections, states
from tests.running import ROOT, free_port


def doctor(folder, **environment):
    """Run the command as a host does; give its status and {check: findings}."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MMCHAT_")}
    inherited.pop("DATABASE_URL", None)
    inherited |= {
        "DJANGO_SETTINGS_MODULE": "mmchat_site.settings",
        "MMCHAT_DATA_DIR": str(folder),
        **environment,
    }
    command = [sys.executable, "manage.py", "doctor", "--json"]
    done = subprocess.run(command, cwd=ROOT, env=inherited, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    checks = {}
    for finding in found["findings"]:
        checks.setdefault(finding["check"], []).append(finding)
    assert found["wrong"] == (done.returncode == 1)
    return done, checks


def test_a_folder_in_which_nothing_was_ever_started(tmp_path):
    done, found = doctor(tmp_path)
    assert done.returncode == 1
    assert [each["state"] for each in found["database"]] == ["ok", "wrong", "ok"]
    assert "migrations have not run" in found["database"][1]["text"]
    assert "manage.py migrate" in found["database"][1]["mend"]
    assert [each["text"] for each in found["backends"]] == ["Not checked"]
    assert found["static files"][0]["state"] == "wrong"
    assert "Traceback" not in done.stderr


def test_a_postgresql_that_is_not_there_and_whose_password_is_told_nobody(tmp_path):
    done, found = doctor(tmp_path, DATABASE_URL=f"postgres://user:s3cret@127.0.0.1:{free_port()}/mmchat")
    [finding] = found["database"]
    assert finding["state"] == "wrong"
    assert "refused" in finding["text"]
    assert "DATABASE_URL" in finding["mend"]
    assert found["media"][0]["state"] == "ok"
    assert "s3cret" not in done.stdout + done.stderr


def test_a_file_in_a_folder_where_nobody_may_write(tmp_path):
    _, found = doctor(tmp_path, DATABASE_URL="sqlite:////proc/mmchat.sqlite3")
    [finding] = found["database"]
    assert (finding["state"], "unable to open" in finding["text"]) == ("wrong", True)
    assert "/proc/mmchat.sqlite3" in finding["mend"]


@pytest.mark.django_db
def test_a_database_that_is_well_is_left_as_it_was():
    findings = database()
    assert objections(findings) == []
    assert len(findings) == (4 if connection.vendor == "sqlite" else 3)
    assert not Chore.objects.filter(name="doctor").exists()


@pytest.mark.django_db
def test_a_database_that_can_only_be_read():
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON" if sqlite else "SET TRANSACTION READ ONLY")
        try:
            found = objections(database())
        finally:
            if sqlite:
                cursor.execute("PRAGMA query_only = OFF")
    assert len(found) == 1
    assert found[0].startswith("wrong: Nothing can be written: ")


@pytest.mark.django_db
def test_tables_of_a_newer_version():
    MigrationRecorder(connection).record_applied("chat", "9999_of_tomorrow")
    assert objections(database()) == [
        "warning: A newer version has changed the tables: chat.9999_of_tomorrow"
    ]


@pytest.mark.parametrize(("limit", "state"), [("LITTLE", "warning"), ("TOO_LITTLE", "wrong")])
def test_a_disk_with_little_room(tmp_path, monkeypatch, limit, state):
    assert space.free_space(tmp_path).state in ("ok", "warning", "wrong")
    monkeypatch.setattr(space, "TOO_LITTLE", 0)
    monkeypatch.setattr(space, limit, 2**62)
    assert states([space.free_space(tmp_path)]) == [state]


def run(monkeypatch, capsys, *arguments, **checks):
    monkeypatch.setattr(examination, "CHECKS", checks)
    status = 0
    try:
        call_command("doctor", *arguments)
    except SystemExit as end:
        status = end.code
    return status, capsys.readouterr().out


def test_the_command_says_each_finding_and_what_to_do(monkeypatch, capsys):
    status, said = run(
        monkeypatch,
        capsys,
        media=lambda: [ok("Fine"), warning("Not so fine", "Mend it.")],
        keys=lambda: [ok("Set")],
    )
    assert status == 0
    assert [line.split(maxsplit=1)[0] for line in said.splitlines()] == ["ok", "warning", "Mend", "ok", "0"]
    assert said.endswith("0 wrong, 1 warning.\n")
    assert run(monkeypatch, capsys, media=lambda: [wrong("Broken", "Mend it.")])[0] == 1


def test_a_check_that_fails_is_a_finding_and_the_next_ones_still_look(monkeypatch, capsys):
    def broken():
        raise RuntimeError("out of order")

    status, said = run(monkeypatch, capsys, "--json", media=broken, keys=lambda: [ok("Set")])
    findings = json.loads(said)["findings"]
    assert status == 1
    assert [finding["state"] for finding in findings] == ["wrong", "ok"]
    assert "out of order" in findings[0]["text"]
