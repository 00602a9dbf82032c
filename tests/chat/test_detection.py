"""What kind of server answers at an address is found out, and what is none of them is told from each other."""

import pytest
from django.utils import translation

from chat.backends import CheckFailed
from chat.detection import detect
from chat.models import Backend
from tests.fastchat_double import FastChatController
from tests.openai_double import OpenAI
from tests.outside import Controller, Service, self_signed
from tests.running import free_port

Kind = Backend.Kind
STATUS = {"model_names": ["llava-v1.5-7b"], "speed": 1, "queue_length": 0}


class Worker(Service):
    def answer(self, path, body):
        return (200, STATUS) if path == "/worker_get_status" else (404, {"detail": "Not Found"})


@pytest.fixture(autouse=True)
def _in_english():
    with translation.override("en"):
        yield


@pytest.fixture
def started():
    """Give a function that keeps a server until the test ends."""
    servers = []

    def keep(server):
        servers.append(server)
        return server

    yield keep
    for server in servers:
        server.close()


def found(url, **fields):
    kind, program, checked = detect(Backend(url=url, **fields))
    return kind, str(program), checked.url, checked.models


def refused(url, **fields):
    with pytest.raises(CheckFailed) as caught:
        detect(Backend(url=url, **fields))
    return caught.value


@pytest.mark.parametrize(
    ("make", "kind", "program"),
    [
        (Controller, Kind.CONTROLLER, "a controller (LLaVA, InternVL)"),
        (FastChatController, Kind.FASTCHAT, "a FastChat controller"),
    ],
)
def test_controllers_are_told_apart_by_their_calls(started, make, kind, program):
    server = started(make())
    server.workers["http://127.0.0.1:9"] = STATUS
    assert found(server.url + "/") == (kind, program, server.url, ["llava-v1.5-7b"])


@pytest.mark.parametrize("typed", ["{root}", "{root}/v1", "{root}/v1/chat/completions"])
def test_an_openai_compatible_server_is_found_with_its_v1(started, typed):
    server = started(OpenAI("org/vision"))
    program = "an OpenAI-compatible server"
    assert found(typed.format(root=server.root)) == (Kind.OPENAI, program, server.url, ["org/vision"])


def test_what_the_form_says_of_the_kind_does_not_count(started):
    server = started(OpenAI("org/vision"))
    assert found(server.url, kind=Kind.CONTROLLER)[0] == Kind.OPENAI


def test_a_server_behind_a_key_that_refuses_every_call_is_asked_with_it(started, monkeypatch):
    server = started(OpenAI("org/vision"))
    server.key = "the-key"
    error = refused(server.url)
    assert (error.code, error.field) == ("worker_unauthorised", "key_variable")
    monkeypatch.setenv("VISION_API_KEY", "the-key")
    assert found(server.url, key_variable="VISION_API_KEY")[0] == Kind.OPENAI
    posts = [headers for path, headers in server.seen if path.endswith("/list_models")]
    assert posts
    assert not any("Authorization" in headers for headers in posts)


def test_a_worker_is_told_to_register_with_a_controller(started):
    error = refused(started(Worker()).url)
    assert error.code == "backend_is_worker"
    assert "llava-v1.5-7b" in str(error.text)
    assert "--controller-address" in str(error.text)


def test_a_controller_without_workers_lists_nothing(started):
    assert refused(started(Controller()).url).code == "backend_lists_nothing"


def test_something_else_is_told_with_what_it_said(started):
    error = refused(started(Service()).url)
    assert error.code == "backend_unknown"
    assert "/list_models: worker_rejected" in error.detail


def test_a_web_page_on_every_call_is_a_web_page(started):
    server = started(OpenAI())
    server.listing = (200, "text/html", b"<html>Log in</html>")
    # The double answers POSTs with JSON; only one that says the same to both calls is surely a page.
    assert refused(server.url).code == "backend_unknown"
    server.redirect = "http://127.0.0.1:1/"
    assert refused(server.url).code == "worker_redirect"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:{closed}", "worker_refused"),
        ("http://backend.invalid", "worker_unknown_host"),
        ("http://169.254.169.254", "worker_address_forbidden"),
    ],
)
def test_what_would_be_the_same_for_every_call_is_told_after_the_first(url, code):
    assert refused(url.format(closed=free_port())).code == code


def test_a_bad_certificate_is_told_as_such(tmp_path):
    with self_signed(tmp_path) as url:
        assert refused(url).code == "worker_bad_certificate"
