"""Backends are asked for their models, each in its own way, and what is wrong with one has a name and a field."""

import socket
import threading
import time

import pytest

from chat import backends, registry
from chat.models import Backend, ChatModel, Placement
from chat.workers import addresses
from chat.workers.errors import WorkerAddressForbidden, WorkerKeyMissing
from tests.openai_double import OpenAI
from tests.outside import Controller, self_signed

Kind = Backend.Kind


@pytest.fixture
def double():
    double = OpenAI("org/vision", "org/words")
    yield double
    double.close()


@pytest.fixture
def controller():
    controller = Controller()
    controller.workers["http://127.0.0.1:9"] = {
        "model_names": ["llava-v1.5-7b"],
        "speed": 1,
        "queue_length": 0,
    }
    yield controller
    controller.close()


def failed(**fields):
    with pytest.raises(backends.CheckFailed) as caught:
        backends.check(Backend(**{"kind": Kind.OPENAI, **fields}))
    return caught.value.code, caught.value.field


def test_a_server_and_a_controller_are_asked_in_their_own_ways(double, controller):
    assert backends.check(Backend(kind=Kind.OPENAI, url=double.url)).listed.names == [
        "org/vision",
        "org/words",
    ]
    checked = backends.check(Backend(kind=Kind.CONTROLLER, url=controller.url + "/"))
    assert (checked.url, checked.listed.names) == (controller.url, ["llava-v1.5-7b"])
    assert 0 < checked.seconds < backends.CHECK_SECONDS


@pytest.mark.parametrize(
    "typed", ["{root}", "{root}/", "{root}/v1", "{root}/v1/", "{root}/v1/chat/completions"]
)
def test_the_v1_that_is_missing_is_found(double, typed):
    checked = backends.check(Backend(kind=Kind.OPENAI, url=typed.format(root=double.root)))
    assert checked.url == double.root + "/v1"


def test_the_key_comes_from_the_environment(double, monkeypatch):
    double.key = "a-key"
    backend = {"url": double.url, "key_variable": "VISION_API_KEY"}
    monkeypatch.delenv("VISION_API_KEY", raising=False)
    assert failed(**backend) == ("worker_key_missing", "key_variable")
    monkeypatch.setenv("VISION_API_KEY", "another")
    assert failed(**backend) == ("worker_unauthorised", "key_variable")
    assert failed(url=double.url) == ("worker_unauthorised", "key_variable")
    monkeypatch.setenv("VISION_API_KEY", " a-key\n")
    assert backends.check(Backend(kind=Kind.OPENAI, **backend)).listed.names


@pytest.mark.parametrize("value", ["", "two words", "schlüssel", "a\nb", "a\x7f"])
def test_what_can_be_no_key_is_not_sent(monkeypatch, value):
    monkeypatch.setenv("VISION_API_KEY", value)
    with pytest.raises(WorkerKeyMissing) as caught:
        backends.key_of("VISION_API_KEY")
    assert not value.strip() or value not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["MMCHAT_SECRET_KEY", "DATABASE_URL", "PATH", "AWS_SECRET_ACCESS_KEY", "vllm"]
)
def test_no_other_secret_of_the_environment_can_be_sent_away(monkeypatch, name):
    monkeypatch.setenv(name, "secret")
    with pytest.raises(WorkerKeyMissing):
        backends.key_of(name)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://127.0.0.1:{closed}", "worker_refused"),
        ("http://backend.invalid:8000/v1", "worker_unknown_host"),
        ("http://169.254.169.254/v1", "worker_address_forbidden"),
        ("http://8.8.8.8/v1", "worker_address_forbidden"),
        ("https://user:secret@127.0.0.1/v1", "worker_address_forbidden"),
        ("https://127.0.0.1/v1?key=secret", "worker_address_forbidden"),
    ],
)
def test_an_address_that_leads_nowhere_good_is_named(address, code):
    assert failed(url=address.format(closed=_closed_port())) == (code, "url")


@pytest.mark.parametrize(
    ("listing", "code"),
    [
        ((200, "text/html", b"<html>Log in</html>"), "worker_html"),
        ((200, "application/json", b'{"models": []}'), "worker_bad_json"),
        ((503, "text/plain", b"starting"), "worker_http_error"),
        ((200, "application/json", b'{"data": []}'), "backend_lists_nothing"),
    ],
)
def test_what_answers_but_is_no_backend_is_named(double, listing, code):
    double.listing = listing
    assert failed(url=double.url) == (code, "url")
    # Without its /v1, where it knows no call, what it says there is told all the same.
    assert failed(url=double.root) == (code, "url")


def test_a_server_taken_for_a_controller_and_the_other_way_round(double, controller):
    assert failed(url=double.url, kind=Kind.CONTROLLER)[1] == "url"
    assert failed(url=controller.url) in (("worker_rejected", "url"), ("worker_http_error", "url"))


def test_a_certificate_of_its_own_making_is_named(tmp_path):
    with self_signed(tmp_path) as address, pytest.raises(backends.CheckFailed) as caught:
        backends.check(Backend(kind=Kind.OPENAI, url=address + "/v1"))
    assert (caught.value.code, caught.value.field) == ("worker_bad_certificate", "url")
    assert "self-signed certificate" in caught.value.detail
    assert "Pool" not in caught.value.detail, "these are the words of a library"


def test_https_where_only_http_is_spoken_is_not_called_a_bad_certificate(double):
    assert failed(url=double.url.replace("http:", "https:")) == ("worker_broke_off", "url")


def test_a_controller_where_none_may_be_is_not_even_asked_to_refresh(monkeypatch):
    monkeypatch.setattr(backends, "ControllerClient", None)  # whoever calls it fails otherwise
    for kind in (Kind.CONTROLLER, Kind.FASTCHAT):
        with pytest.raises(WorkerAddressForbidden):
            backends.list_models(Backend(kind=kind, url="http://169.254.169.254"))


def test_the_address_in_the_environment_is_not_held_to_the_networks(settings):
    settings.MMCHAT_CONTROLLER_URL = "http://203.0.113.9:21001"
    backends.check_backend(settings.MMCHAT_CONTROLLER_URL)
    with pytest.raises(WorkerAddressForbidden):
        backends.check_backend("http://203.0.113.9:21002")


def test_redirects_are_not_followed(double):
    double.redirect = "http://169.254.169.254/"
    assert failed(url=double.url) == ("worker_redirect", "url")


def test_ten_thousand_models_are_too_many_until_some_are_named(double):
    double.models = [f"vendor{number % 20}/model-{number}" for number in range(10_000)]
    assert failed(url=double.url) == ("backend_lists_too_many", "taken")
    assert failed(url=double.url, taken="nothing-like-it") == ("backend_takes_nothing", "taken")
    checked = backends.check(
        Backend(kind=Kind.OPENAI, url=double.url, taken="vendor3/*-?3\nvendor4/model-4\n")
    )
    assert checked.listed.names == [
        "vendor4/model-4",
        "vendor3/model-23",
        "vendor3/model-43",
        "vendor3/model-63",
        "vendor3/model-83",
    ]


def test_nobody_waits_long_for_a_check(monkeypatch):
    """Not even where a name takes a minute to resolve, which no time limit of a call covers."""
    monkeypatch.setattr(backends, "CHECK_SECONDS", 0.2)
    held = threading.Event()
    monkeypatch.setattr(backends, "check_backend", lambda url: held.wait(20))
    begun = time.monotonic()
    try:
        assert failed(url="http://slow.example/v1") == ("worker_silent", "url")
    finally:
        held.set()
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("http://10.1.2.3:8000/v1", True),
        ("https://10.1.2.3/v1", True),
        ("https://8.8.8.8/v1", True),
        ("https://[2606:4700::1111]/v1", True),
        ("http://8.8.8.8/v1", False),
        ("https://169.254.169.254/latest", False),
        ("http://[fe80::1]/v1", False),
        ("http://[fd00:ec2::254]/v1", False),
        ("https://[::ffff:169.254.169.254]/v1", False),
        ("https://100.100.100.200/v1", False),
        ("https://0.0.0.0/v1", False),
        ("https://224.0.0.1/v1", False),
    ],
)
def test_backends_may_be_in_the_allowed_networks_or_public_by_https(settings, address, fine):
    if fine:
        backends.check_backend(address)
    else:
        with pytest.raises(WorkerAddressForbidden):
            backends.check_backend(address)


def test_what_clouds_keep_is_refused_whatever_is_allowed(settings):
    everything = [addresses.ip_network("0.0.0.0/0"), addresses.ip_network("::/0")]
    addresses.check_backend_address("http://8.8.8.8/v1", everything)
    with pytest.raises(WorkerAddressForbidden):
        addresses.check_backend_address("http://169.254.169.254/", everything)


# Reading lists


@pytest.mark.django_db
def test_the_lists_of_all_kinds_are_read_together(double, controller, settings):
    settings.MMCHAT_CONTROLLER_URL = ""
    double.models.append("llava-v1.5-7b")
    Backend.objects.create(name="far", kind=Kind.CONTROLLER, url=controller.url)
    Backend.objects.create(name="near", kind=Kind.OPENAI, url=double.url, taken="org/v*\nllava*")
    dead = Backend.objects.create(name="dead", kind=Kind.OPENAI, url=f"http://127.0.0.1:{_closed_port()}/v1")
    registry.read_lists()
    placed = Placement.objects.filter(listed=True).order_by("backend__name", "model__name")
    assert list(placed.values_list("backend__name", "model__name")) == [
        ("far", "llava-v1.5-7b"),
        ("near", "llava-v1.5-7b"),
        ("near", "org/vision"),
    ]
    dead.refresh_from_db()
    assert dead.last_error.startswith("worker_refused")
    assert Backend.objects.get(name="near").seconds > 0


@pytest.mark.django_db
def test_a_dozen_silent_backends_take_no_longer_than_one(settings, monkeypatch):
    settings.MMCHAT_CONTROLLER_URL = ""
    for number in range(12):
        Backend.objects.create(name=f"b{number}", kind=Kind.OPENAI, url=f"http://10.0.0.{number + 1}/v1")
    together = threading.Barrier(12)

    def asked(backend):
        together.wait(10)  # breaks unless all twelve come
        return ["m"]

    monkeypatch.setattr(registry, "list_models", asked)
    registry.read_lists()
    assert Placement.objects.filter(listed=True).count() == 12


@pytest.mark.django_db
def test_those_that_are_well_are_not_asked_again_because_another_is_not(double):
    Backend.objects.create(name="well", kind=Kind.OPENAI, url=double.url)
    Backend.objects.create(name="dead", kind=Kind.OPENAI, url=f"http://127.0.0.1:{_closed_port()}/v1")
    registry.read_lists()
    assert len(double.seen) == 1
    registry.read_lists(failing_only=True)
    assert len(double.seen) == 1
    Backend.objects.update(last_error="worker_refused: it was")
    registry.read_lists(failing_only=True)
    assert len(double.seen) == 2


@pytest.mark.django_db
def test_a_list_that_grew_too_long_keeps_the_last_one(double, monkeypatch):
    backend = Backend.objects.create(name="b", kind=Kind.OPENAI, url=double.url)
    registry.read_lists()
    double.models = [f"m{number}" for number in range(backends.MOST_MODELS + 1)]
    registry.read_lists()
    backend.refresh_from_db()
    assert backend.last_error.startswith("backend_lists_too_many")
    assert Placement.objects.filter(listed=True).count() == 2


@pytest.mark.django_db
def test_the_protocol_follows_from_the_backend_and_then_from_the_model():
    model = ChatModel(name="InternVL2-8B")
    assert backends.protocol_of(model, Kind.OPENAI) == "openai"
    assert backends.protocol_of(model, Kind.CONTROLLER) == "internvl2"
    model.protocol = "llava"
    assert backends.protocol_of(model, Kind.OPENAI) == "openai"
    assert backends.protocol_of(model, Kind.BUILT_IN) == "llava"


def _closed_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
