"""Exports over the API."""

import json
import uuid

import pytest
from django.contrib.auth.models import User

from chat.models import AuditEntry
from feedback import exports
from feedback.models import Export, Scope
from tests.feedback.api.conftest import Program, make_token
from tests.feedback.stories import exchange, make_conversation, make_visitor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_second_thread(monkeypatch):
    monkeypatch.setattr(exports, "BEAT_SECONDS", 3600)


def ask(program, **body):
    return program.post("/api/v1/exports", body, content_type="application/json")


def make(pk):
    owner = uuid.uuid4()
    exports.claim(Export.objects.get(pk=pk), owner)
    exports.make(uuid.UUID(pk), owner)


def test_an_export_is_asked_for_followed_and_fetched(program):
    exchange(make_conversation(make_visitor(address="203.0.113.9")))
    response = ask(program, models=["llava-v1.5-7b"], addresses=True)
    assert response.status_code == 202
    asked = response.json()
    assert (asked["state"], asked["file"]) == ("waiting", None)
    assert program.get(f"/api/v1/exports/{asked['id']}/file").status_code == 404
    make(asked["id"])
    found = program.read(f"exports/{asked['id']}")
    assert (found["state"], found["entries"]) == ("complete", 1)
    assert program.read("exports")["items"] == [found]
    file = program.get(found["file"])
    assert json.loads(b"".join(file.streaming_content))["ip"] == "203.0.113.9"
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == [
        "token_create",
        "export",
        "export_download",
    ]


def test_addresses_take_a_scope_of_their_own_to_ask_for_and_to_fetch(program, root):
    asked = ask(program, addresses=True).json()
    make(asked["id"])
    without = Program(make_token(root, Scope.EXPORT)[1])
    assert without.get(f"/api/v1/exports/{asked['id']}/file").status_code == 403
    assert ask(without, addresses=True).json()["error"]["code"] == "scope_missing"
    assert Export.objects.count() == 1


def test_exports_of_somebody_else_do_not_exist(program):
    asked = ask(program).json()
    other = Program(make_token(User.objects.create_superuser("other"), *Scope.values)[1])
    assert other.read("exports")["items"] == []
    assert other.error(f"exports/{asked['id']}")[0] == 404
    assert other.delete(f"/api/v1/exports/{asked['id']}").status_code == 404


def test_an_export_is_cancelled(program):
    asked = ask(program).json()
    assert program.delete(f"/api/v1/exports/{asked['id']}").json()["state"] == "cancelled"
    assert program.delete(f"/api/v1/exports/{asked['id']}").json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"format": "xml"}, "format"),
        ({"format": "imagefolder"}, "images"),
        ({"types": ["share"]}, "types"),
        ({"models": "llava"}, "models"),
        ({"since": "2026-11-23", "until": "2026-11-22"}, "until"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_can_not_be_is_named(program, body, field):
    response = ask(program, **body)
    assert (response.status_code, response.json()["error"]["field"]) == (400, field)
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "body_unreadable"),
        (b"\xff", 400, "body_unreadable"),
        (b'{"licence": "' + b"x" * 100_000 + b'"}', 413, "body_too_large"),
    ],
)
def test_a_body_that_can_not_be_read_is_refused(program, body, status, code):
    response = program.generic("POST", "/api/v1/exports", body, content_type="application/json")
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_other_addresses_are_a_404_of_the_api(program):
    for path in ("nothing", "exports/", "votes/1", "exports/a/b"):
        assert program.error(path)[:2] == (404, "not_found")


def test_only_so_many_wait_at_once(program, monkeypatch):
    monkeypatch.setattr(exports, "MOST_UNFINISHED", 1)
    assert [ask(program).status_code for _ in range(2)] == [202, 429]
