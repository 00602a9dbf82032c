import datetime

import pytest
from django.utils import timezone

from chat.controller.workers import forget
from chat.models import ChatModel, Worker


def test_a_registration_without_a_status_makes_the_controller_ask(controller, start_status_server):
    worker = start_status_server()
    for status in (None, {}):
        answer = controller.post(
            "register_worker", worker_name=worker.address, check_heart_beat=True, worker_status=status
        )
        assert answer is None
    assert worker.asked == ["/worker_get_status"] * 2
    row = Worker.objects.get()
    assert (row.model_names, row.speed, row.queue_length) == (["m"], 2, 3)


BAD_ANSWERS = [
    (500, {"model_names": ["m"], "speed": 1, "queue_length": 0}),
    (302, b""),
    (200, b"<html>"),
    (200, b"\xff"),
    (200, {"model_names": ["m"], "speed": 0, "queue_length": 0}),
    (200, {"model_names": "m", "speed": 1, "queue_length": 0}),
    (200, None),
]


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_a_worker_that_gives_no_good_status_is_not_registered(controller, start_status_server, answer):
    worker = start_status_server()
    worker.answer = answer
    assert controller.post("register_worker", worker_name=worker.address, check_heart_beat=True) is None
    assert worker.asked == ["/worker_get_status"]
    assert not Worker.objects.exists()


def test_refreshing_takes_over_what_workers_say_and_drops_the_silent(controller, start_status_server):
    changed, silent = start_status_server(), start_status_server()
    controller.register(changed.address, ["old"])
    controller.register(silent.address, ["gone"])
    controller.register("http://127.0.0.1:1", ["refuses"], check_heart_beat=False)
    changed.answer = (200, {"model_names": ["new"], "speed": 5, "queue_length": 1})
    silent.answer = (500, b"")
    assert controller.post("refresh_all_workers") is None
    row = Worker.objects.get()
    assert (row.address, row.model_names, row.speed, row.queue_length) == (changed.address, ["new"], 5, 1)
    assert controller.models() == ["new"]


def test_refreshing_finds_again_a_worker_that_was_silent(controller, start_status_server):
    worker = start_status_server()
    controller.register(worker.address)
    Worker.objects.update(last_heartbeat=timezone.now() - datetime.timedelta(hours=1))
    assert controller.models() == []
    controller.post("refresh_all_workers")
    assert controller.models() == ["m"]


def test_a_worker_that_left_the_allowed_networks_is_dropped_unasked(
    controller, settings, start_status_server
):
    worker = start_status_server()
    controller.register(worker.address)
    settings.MMCHAT_WORKER_NETWORKS = []
    controller.post("refresh_all_workers")
    assert worker.asked == []
    assert not Worker.objects.exists()


def test_a_forgotten_worker_is_given_no_more_until_it_registers_again(controller):
    controller.register("http://127.0.0.1:1")
    forget("http://127.0.0.1:2")
    assert ChatModel.objects.shown().count() == 1
    forget("http://127.0.0.1:1")
    assert controller.address_for("m") == ""
    assert not ChatModel.objects.shown().exists()
    beat = controller.post("receive_heart_beat", worker_name="http://127.0.0.1:1", queue_length=0)
    assert beat == {"exist": False}


def test_refreshing_nobody_is_no_error(controller):
    assert controller.post("refresh_all_workers") is None
