"""`manage.py add_backend URL` registers what answers there, once, and says what to do about what does not."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import translation

from chat import registration
from chat.management.commands import add_backend
from chat.models import AuditEntry, Backend, ChatModel
from tests.chat.test_detection import STATUS, Worker
from tests.openai_double import OpenAI
from tests.outside import Controller
from tests.running import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def server():
    server = OpenAI("org/vision", "org/words")
    yield server
    server.close()


def add(*arguments):
    out = io.StringIO()
    call_command("add_backend", *arguments, stdout=out)
    return out.getvalue()


def test_a_server_is_registered_with_its_models(server):
    said = add(server.root)
    backend = Backend.objects.get()
    assert (backend.url, backend.kind) == (server.url, "openai")
    assert backend.name == f"127.0.0.1:{server.port}"
    assert set(ChatModel.objects.shown().values_list("name", flat=True)) == {"org/vision", "org/words"}
    assert "an OpenAI-compatible server; registered" in said
    assert "  org/vision\n  org/words\n" in said


def test_a_controller_is_registered_as_one():
    controller = Controller()
    controller.workers["http://127.0.0.1:9"] = STATUS
    try:
        assert "llava-v1.5-7b" in add(controller.url, "--name", "lab")
    finally:
        controller.close()
    assert Backend.objects.get(name="lab").kind == "controller"


def test_said_again_it_changes_what_is_said_and_nothing_else(server, monkeypatch):
    monkeypatch.setenv("VISION_API_KEY", "k")
    add(server.root, "--key-variable", "VISION_API_KEY", "--take", "org/v*")
    Backend.objects.update(concurrency=3)
    said = add(f"{server.url}/chat/completions", "--name", "vision")
    backend = Backend.objects.get()
    assert "up to date" in said
    assert (backend.name, backend.key_variable, backend.taken, backend.concurrency) == (
        "vision",
        "VISION_API_KEY",
        "org/v*",
        3,
    )
    assert "org/words" not in said


def test_what_can_not_be_used_is_not_stored_and_the_next_step_is_said(server, settings):
    with pytest.raises(CommandError, match="worker_refused: Nothing accepts connections"):
        add(f"http://127.0.0.1:{free_port()}")
    server.key = "the-key"
    with pytest.raises(CommandError, match="--key-variable"):
        add(server.url)
    with pytest.raises(CommandError, match="not the key itself"):
        add(server.url, "--key-variable", "sk-secret")
    with pytest.raises(CommandError, match="environment that it is started in"):
        add(server.url, "--key-variable", "MISSING_API_KEY")
    with pytest.raises(CommandError, match="worker_address_forbidden"):
        add("ftp://127.0.0.1")
    worker = Worker()
    try:
        with pytest.raises(CommandError, match=f"/workers/{settings.MMCHAT_WORKER_SECRET}"):
            add(worker.url)
    finally:
        worker.close()
    assert not Backend.objects.exists()


def test_one_that_does_not_run_yet_is_registered_by_its_kind():
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(CommandError, match="backend_kind_missing"):
        add(url, "--unchecked")
    assert "It was not asked" in add(url, "--unchecked", "--kind", "openai")
    assert Backend.objects.get().last_reached is None


def test_a_name_that_is_taken_is_refused_and_a_default_one_avoided(server):
    other = Backend.objects.create(name="vision", url="http://10.0.0.1")
    with pytest.raises(CommandError, match="backend_name_taken"):
        add(server.url, "--name", "vision")
    other.name = f"127.0.0.1:{server.port}"
    other.save()
    add(server.url)
    assert Backend.objects.get(url=server.url).name == f"127.0.0.1:{server.port}/v1"


def test_a_database_without_tables_is_told_in_a_line(server, monkeypatch):
    def broken(*arguments, **named):
        raise DatabaseError("no such table:\n chat_backend")

    monkeypatch.setattr(add_backend, "register", broken)
    with pytest.raises(CommandError, match="no such table: chat_backend"):
        add(server.url)


def test_it_is_in_the_audit_log(server):
    for _ in range(2):
        add(server.root)
    told = f"backend {Backend.objects.get().pk}"
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "target")) == [
        ("add", told),
        ("change", told),
    ]


def test_one_whose_models_can_not_be_stored_is_not_stored_either(server, monkeypatch):
    def broken(*arguments):
        raise DatabaseError("no such column: chat_chatmodel.name")

    monkeypatch.setattr(registration, "store_checked", broken)
    with pytest.raises(CommandError, match="no such column"):
        add(server.url)
    assert not Backend.objects.exists()
