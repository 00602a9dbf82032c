import json

import pytest

from chat.models import Worker

GOOD_STATUS = {"model_names": ["m"], "speed": 1, "queue_length": 0}
GOOD = {"worker_name": "http://127.0.0.1:1", "check_heart_beat": True, "worker_status": GOOD_STATUS}


def with_status(**changed):
    return json.dumps({**GOOD, "worker_status": {**GOOD_STATUS, **changed}})


def without(body, name):
    return json.dumps({key: value for key, value in body.items() if key != name})


def refused(controller, call, body):
    response = controller.raw(call, body)
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert error["code"]
    assert error["text"]
    assert not Worker.objects.exists()
    return error


@pytest.mark.parametrize("call", ["register_worker", "receive_heart_beat", "get_worker_address"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"worker_name": "http://127.0.0.1:1"',
        b"\xff\xfe",
        b'{"model": "\xff"}',
        b"[" * 60_000,
        b'{"model":' * 6_000,
        b"worker_name=http://127.0.0.1:1",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_json_object_with_the_fields_is_refused(controller, call, body):
    refused(controller, call, body)


@pytest.mark.parametrize("name", ["worker_name", "check_heart_beat"])
def test_a_registration_without_a_field_names_it(controller, name):
    assert name in refused(controller, "register_worker", without(GOOD, name))["text"]


@pytest.mark.parametrize("name", ["model_names", "speed", "queue_length"])
def test_a_status_without_a_field_names_it(controller, name):
    body = json.dumps({**GOOD, "worker_status": json.loads(without(GOOD_STATUS, name))})
    assert name in refused(controller, "register_worker", body)["text"]


@pytest.mark.parametrize("speed", [0, -1, -0.0, 1e300, "1", None, True, [1], 10**30])
def test_a_speed_that_can_not_weigh_a_queue_is_refused(controller, speed):
    assert "speed" in refused(controller, "register_worker", with_status(speed=speed))["text"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_numbers_that_json_or_a_database_does_not_know_are_refused(controller, number):
    for field in ("speed", "queue_length"):
        refused(controller, "register_worker", with_status(**{field: 123_454}).replace("123454", number))


@pytest.mark.parametrize("length", [10**30, -(10**30), 2**63, 1.5, "1", None])
def test_a_queue_length_that_is_no_count_is_refused(controller, length):
    refused(controller, "register_worker", with_status(queue_length=length))
    body = json.dumps({"worker_name": "http://127.0.0.1:1", "queue_length": length})
    refused(controller, "receive_heart_beat", body)


@pytest.mark.parametrize("protocol", ["openai", "http", 1, None])
def test_a_protocol_that_no_worker_speaks_is_refused(controller, protocol):
    assert "protocol" in refused(controller, "register_worker", with_status(protocol=protocol))["text"]


def test_a_queue_length_below_nothing_counts_as_nothing(controller):
    # A worker whose arithmetic slips would else lose its heartbeat thread over the refusal.
    assert controller.register(queue_length=-1) is None
    assert controller.post("receive_heart_beat", worker_name="http://127.0.0.1:1", queue_length=-3)["exist"]
    assert Worker.objects.get().queue_length == 0


@pytest.mark.parametrize(
    "names",
    [
        "m",
        [1],
        [None],
        [""],
        [" "],
        ["a\x00b"],
        ["a\nb"],
        ["m\n"],
        ["x" * 201],
        [f"m{number}" for number in range(101)],
        {"m": 1},
    ],
    ids=lambda names: repr(names)[:20],
)
def test_names_that_are_none_are_refused(controller, names):
    assert "model_names" in refused(controller, "register_worker", with_status(model_names=names))["text"]


def test_as_many_and_as_long_names_as_allowed_are_taken(controller):
    names = [f"{number:03}{'x' * 197}" for number in range(100)]
    controller.register(models=[*names[:99], names[0]])
    assert Worker.objects.get().model_names == names[:99]
    controller.register(models=names)
    assert controller.models() == names


def test_a_lone_surrogate_is_no_name(controller):
    refused(
        controller, "register_worker", with_status(model_names=["REPLACED"]).replace("REPLACED", "\\ud800")
    )


@pytest.mark.parametrize(
    "address",
    [
        "http://8.8.8.8:21002",
        "http://169.254.169.254",
        "http://[2001:db8::1]:21002",
        "http://0.0.0.0:21002",
        "http://2130706433:21002",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "127.0.0.1:21002",
        "http://user:password@127.0.0.1",
        "http://127.0.0.1@8.8.8.8",
        "http://127.0.0.1?x=1",
        "http://127.0.0.1#8.8.8.8",
        "http://127.0.0.1:99999",
        "http://",
        "",
        "http://127.0.0.1/\x00",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1/" + "x" * 300,
    ],
)
def test_an_address_outside_the_networks_or_malformed_is_refused(controller, address):
    refused(controller, "register_worker", json.dumps({**GOOD, "worker_name": address}))


def test_the_allowed_networks_are_a_setting(controller, settings):
    settings.MMCHAT_WORKER_NETWORKS = []
    error = refused(controller, "register_worker", json.dumps(GOOD))
    assert error["code"] == "worker_address_forbidden"


@pytest.mark.parametrize("size", [64 * 1024 + 1, 10 * 1024 * 1024])
def test_a_body_that_is_too_large_is_refused(controller, size):
    padding = "x" * (size - len(with_status()))
    error = refused(controller, "register_worker", json.dumps({**GOOD, "padding": padding}))
    assert "65536" in error["text"]


def test_fields_that_nobody_knows_do_not_matter(controller):
    controller.register(padding="x" * 1000, version=[1, {"a": None}])
    assert controller.models() == ["m"]
