"""The doctor on Redis, backends, keys and clocks that are broken for real."""

from http.server import BaseHTTPRequestHandler

import pytest
from django.db.models import F
from django.utils import timezone

from chat.doctor import shared as redis_check
from chat.doctor.backends import backends
from chat.doctor.clock import clock, compare
from chat.doctor.keys import keys
from chat.doctor.shared import shared
from chat.models import Backend, ModerationCheck, ServerProcess, Worker
from tests import parts
from tests.chat.doctor.findings import objections, only
from tests.openai_double import OpenAI
from tests.running import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def double():
    double = OpenAI("org/vision", "b", "c", "d", "e")
    yield double
    double.close()


def backend(url, kind="openai", **fields):
    return Backend.objects.create(name=f"b{Backend.objects.count()}", kind=kind, url=url, **fields)


# Redis


def test_a_redis_that_answers_and_one_that_has_stopped(settings):
    with parts.redis() as url:
        settings.REDIS_URL = url
        assert only(shared()).text.startswith("Redis ")
        assert objections(shared()) == []
    [objection] = objections(shared())
    assert objection.startswith("wrong: Redis does not answer: ")


def test_an_address_of_redis_that_is_none_is_told_without_its_password(settings):
    settings.REDIS_URL = "http://:s3cret@here"
    [objection] = objections(shared())
    assert "s3cret" not in objection


def test_several_processes_without_redis(settings, monkeypatch):
    settings.REDIS_URL = ""
    assert objections(shared()) == []
    for number in range(2):
        ServerProcess.objects.create(host="here", pid=number)
    monkeypatch.setattr(redis_check, "WATCH_SECONDS", 0)
    assert objections(shared()) == []  # rows of processes that were killed
    monkeypatch.setattr(
        redis_check.time, "sleep", lambda seconds: ServerProcess.objects.update(heartbeat=F("heartbeat") + 1)
    )
    assert objections(shared())[0].startswith("wrong: 2 processes serve this database")
    settings.MMCHAT_PROCESSES = 4
    assert objections(shared())[0].startswith("wrong: MMCHAT_PROCESSES is 4")


# Backends


def test_backends_that_answer_say_what_they_serve(double):
    backend(double.url)
    assert only(backends()).text.endswith("and serves org/vision, b, c and 2 more")
    assert objections(backends()) == []


def test_backends_that_fail_are_named_with_what_to_do(double):
    assert objections(backends())[0].startswith("wrong: No backend is enabled")
    double.listing = (200, "text/html", b"<html>Log in</html>")
    page = backend(double.url)
    dead = backend(f"http://127.0.0.1:{free_port()}")
    found = objections(backends())
    assert found[0].startswith(f"wrong: {page.name} at {double.url}: worker_html")
    assert found[1].startswith(f"wrong: {dead.name} at {dead.url}: worker_refused")
    double.listing = (200, "application/json", b'{"data": []}')
    assert objections(backends())[0].startswith(
        f"warning: {page.name} at {double.url}: backend_lists_nothing"
    )
    Backend.objects.filter(pk__in=[page.pk, dead.pk]).update(enabled=False)
    assert "No backend" in only(backends()).text


def test_an_address_that_lacks_its_v1_would_serve_no_reply(double):
    backend(double.root)
    assert objections(backends()) == [f"wrong: b0 answers at {double.url}, not at {double.root}"]


def test_the_built_in_controller_wants_workers():
    backend("", Backend.Kind.BUILT_IN)
    assert objections(backends()) == ["warning: b0: no worker beats"]
    worker = Worker.objects.create(
        address="http://127.0.0.1:1", model_names=["a"], last_heartbeat=timezone.now()
    )
    assert only(backends()).text == "b0: 1 worker beats, and serves a"
    worker.last_heartbeat -= timezone.timedelta(hours=1)
    worker.save()
    assert objections(backends()) == ["warning: b0: no worker beats; 1 have gone silent"]


# Keys


def test_keys_are_looked_for_and_never_told(monkeypatch, settings):
    assert only(keys()).state == "ok"
    backend("http://127.0.0.1:1", key_variable="VISION_API_KEY")
    monkeypatch.setenv("VISION_API_KEY", "s3cret")
    assert only(keys()).text == "b0: VISION_API_KEY is set"
    monkeypatch.setenv("VISION_API_KEY", "s3cret and more")
    assert objections(keys()) == ["wrong: b0: VISION_API_KEY is not set, or holds no key"]
    monkeypatch.delenv("VISION_API_KEY")
    assert objections(keys()) == ["wrong: b0: VISION_API_KEY is not set, or holds no key"]
    Backend.objects.update(enabled=False)
    ModerationCheck.objects.create(name="service", kind="openai", key_variable="CHECK_API_KEY")
    assert objections(keys()) == ["wrong: service: CHECK_API_KEY is not set, or holds no key"]
    ModerationCheck.objects.update(enabled=False)
    settings.MMCHAT_MODERATE, settings.MMCHAT_MODERATION_KEY = True, ""
    assert objections(keys())[0].startswith("warning: --moderate is on")


# Clocks


def test_the_clock_of_a_backend_that_is_an_hour_off(double, monkeypatch):
    backend(double.url)
    backend(f"http://127.0.0.1:{free_port()}")  # of no concern here
    assert objections(clock()) == []
    hour = timezone.timedelta(hours=1)
    later = (timezone.now() + hour).strftime("%a, %d %b %Y %H:%M:%S GMT")
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda self, timestamp=None: later)
    [objection] = objections(clock())
    assert "ahead of" in objection
    assert objection.startswith("warning: The clock of b0 is 3")
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda self, timestamp=None: "yesterday")
    assert objections(clock()) == []


def test_a_clock_that_is_behind():
    found = compare("the database", timezone.now() - timezone.timedelta(minutes=1), 1)
    assert found.text == "The clock of the database is 60 s behind this machine's"
