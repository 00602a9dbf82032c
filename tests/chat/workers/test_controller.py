"""A controller's answers are used when they are the protocol's, and named when they are not."""

import json
import threading
import time

import pytest

from chat.workers.controller import ControllerClient, WorkerStatus, worker_status
from chat.workers.errors import (
    ControllerGarbage,
    ControllerUnreachable,
    NoWorker,
    WorkerBadJson,
    WorkerBrokeOff,
    WorkerHttpError,
    WorkerRefused,
    WorkerRejected,
    WorkerSilent,
    WorkerUnknownHost,
)


def ok(value):
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def test_the_three_calls_below_a_path(answering):
    server, address = answering(
        {
            "/c/refresh_all_workers": ok(None),
            "/c/list_models": ok({"models": ["b", "a"], "more": 1}),
            "/c/get_worker_address": ok({"address": "http://10.0.0.1:40000/w"}),
        }
    )
    client = ControllerClient(address + "/c/")

    assert client.refresh_all_workers() is None
    assert client.list_models() == ["b", "a"]
    assert client.get_worker_address("a") == "http://10.0.0.1:40000/w"
    assert server.requests == [
        ("/c/refresh_all_workers", None),
        ("/c/list_models", None),
        ("/c/get_worker_address", {"model": "a"}),
    ]


def test_an_empty_address_means_no_worker(answering):
    _, address = answering({"/get_worker_address": ok({"address": ""})})

    with pytest.raises(NoWorker) as caught:
        ControllerClient(address).get_worker_address("llava")

    assert "llava" in caught.value.detail


@pytest.mark.parametrize(
    "answer",
    [
        ok(None),
        ok([]),
        ok({"models": "abc"}),
        ok({"models": [1]}),
        (200, {}, b""),
        (200, {}, b"<html>"),
        (200, {}, b'{"models": ["\xff"]}'),
        (200, {}, b"[" * 100_000),
        (200, {}, b'{"models": ["' + b"x" * 10_000_000 + b'"]}'),
        (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b\x08"),
        (404, {}, b"{}"),
        (302, {"Location": "/elsewhere"}, b""),
    ],
    ids=range(12),
)
def test_an_answer_of_another_shape_is_garbage(answering, answer):
    server, address = answering({"/list_models": answer, "/elsewhere": ok({"models": []})})

    with pytest.raises(ControllerGarbage) as caught:
        ControllerClient(address).list_models()

    assert len(caught.value.detail) < 1000
    assert [path for path, _ in server.requests] == ["/list_models"]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_controller_is_unreachable(answering, status):
    _, address = answering({"/list_models": (status, {}, b"")})

    with pytest.raises(ControllerUnreachable):
        ControllerClient(address).list_models()


def test_a_closed_port_and_an_unknown_host_are_unreachable(closed_port):
    for address in (f"http://127.0.0.1:{closed_port}", "http://controller.invalid"):
        with pytest.raises(ControllerUnreachable):
            ControllerClient(address).list_models()


def test_a_controller_that_does_not_answer_in_time_is_unreachable(answering, full_listener):
    released = threading.Event()
    _, address = answering({"/list_models": lambda handler: released.wait(5)})

    try:
        with pytest.raises(ControllerUnreachable):
            ControllerClient(address, timeout=0.2).list_models()
    finally:
        released.set()
    with pytest.raises(ControllerUnreachable):
        ControllerClient(full_listener, timeout=0.2).list_models()


def test_an_answer_that_drips_is_given_up_at_the_time_limit(answering):
    given_up = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not given_up.is_set():
            handler.wfile.write(b" ")
            time.sleep(0.02)

    _, address = answering({"/list_models": drip})

    try:
        with pytest.raises(ControllerUnreachable, match=r"did not end in time"):
            ControllerClient(address, timeout=0.3).list_models()
    finally:
        given_up.set()


def test_proxies_of_the_environment_are_not_used(answering, monkeypatch, closed_port):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    _, address = answering({"/list_models": ok({"models": ["a"]})})

    assert ControllerClient(address).list_models() == ["a"]


def test_a_workers_status_is_typed(answering):
    server, address = answering(
        {"/w/worker_get_status": ok({"model_names": ["a"], "speed": 1, "queue_length": 3})}
    )

    assert worker_status(address + "/w") == WorkerStatus(["a"], 1.0, 3)
    assert server.requests == [("/w/worker_get_status", None)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ok({"model_names": None}), WorkerBadJson),
        ((404, {}, b""), WorkerRejected),
        ((500, {}, b""), WorkerHttpError),
        (lambda handler: time.sleep(0.5), WorkerSilent),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), WorkerBrokeOff),
    ],
)
def test_a_workers_failures_keep_their_own_codes(answering, answer, kind):
    _, address = answering({"/worker_get_status": answer})

    with pytest.raises(kind):
        worker_status(address, timeout=0.2)


def test_a_worker_that_is_not_there_keeps_its_own_code(closed_port):
    with pytest.raises(WorkerRefused):
        worker_status(f"http://127.0.0.1:{closed_port}")
    with pytest.raises(WorkerUnknownHost):
        worker_status("http://worker.invalid:1")
