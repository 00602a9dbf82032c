"""The bodies and answers are those of LLaVA's controller."""

import datetime

import pytest
from django.utils import timezone

from chat.models import Worker


def age(seconds, **which):
    """Make workers look as if they had been silent for so long."""
    Worker.objects.filter(**which).update(last_heartbeat=timezone.now() - datetime.timedelta(seconds=seconds))


def test_registering_answers_null(controller):
    assert controller.register() is None


def test_a_registered_worker_is_listed_and_given(controller):
    controller.register("http://127.0.0.1:1", ["b", "a"])
    controller.register("http://127.0.0.1:2", ["c", "a"])
    assert controller.models() == ["a", "b", "c"]
    assert controller.address_for("c") == "http://127.0.0.1:2"


def test_a_model_that_nobody_serves_has_an_empty_address(controller):
    controller.register()
    for model in ("unknown", "", "x" * 5000):
        assert controller.address_for(model) == ""


def test_registering_again_replaces_what_was_known(controller):
    controller.register("http://127.0.0.1:1", ["old"])
    controller.register("http://127.0.0.1:1/", ["new"], speed=3, queue_length=7, check_heart_beat=False)
    worker = Worker.objects.get()
    assert (worker.address, worker.model_names) == ("http://127.0.0.1:1", ["new"])
    assert (worker.speed, worker.queue_length, worker.checks_heartbeat) == (3, 7, False)
    assert controller.models() == ["new"]


def test_a_base_address_may_have_a_path(controller):
    controller.register("http://127.0.0.1:1/some/path")
    assert controller.address_for("m") == "http://127.0.0.1:1/some/path"


def test_a_heartbeat_of_a_known_worker_updates_its_queue(controller):
    controller.register("http://127.0.0.1:1")
    age(50)
    assert controller.post("receive_heart_beat", worker_name="http://127.0.0.1:1", queue_length=4) == {
        "exist": True
    }
    worker = Worker.objects.get()
    assert worker.queue_length == 4
    assert timezone.now() - worker.last_heartbeat < datetime.timedelta(seconds=30)


def test_a_heartbeat_of_an_unknown_worker_tells_it_to_register(controller):
    assert controller.post("receive_heart_beat", worker_name="http://127.0.0.1:1", queue_length=0) == {
        "exist": False
    }
    assert not Worker.objects.exists()


def test_a_heartbeat_costs_one_query(controller, django_assert_num_queries):
    controller.register("http://127.0.0.1:1")
    with django_assert_num_queries(1):
        controller.post("receive_heart_beat", worker_name="http://127.0.0.1:1", queue_length=1)


def test_a_silent_worker_is_forgotten_until_it_beats_again(controller, settings):
    settings.MMCHAT_WORKER_EXPIRY = 90
    controller.register("http://127.0.0.1:1")
    age(89)
    assert controller.models() == ["m"]
    age(91)
    assert controller.models() == []
    assert controller.address_for("m") == ""
    assert controller.post("receive_heart_beat", worker_name="http://127.0.0.1:1", queue_length=0) == {
        "exist": True
    }
    assert controller.models() == ["m"]


def test_a_worker_that_sends_no_heartbeats_never_expires(controller):
    controller.register(check_heart_beat=False)
    age(10_000_000)
    assert controller.models() == ["m"]
    assert controller.address_for("m") == "http://127.0.0.1:1"


def test_the_row_of_a_worker_that_has_long_gone_is_removed_when_another_registers(controller):
    for number in (1, 2, 3):
        controller.register(f"http://127.0.0.1:{number}", check_heart_beat=number != 3)
    age(25 * 3600, address__in=["http://127.0.0.1:1", "http://127.0.0.1:3"])
    controller.register("http://127.0.0.1:4")
    assert sorted(Worker.objects.values_list("address", flat=True)) == [
        "http://127.0.0.1:2",
        "http://127.0.0.1:3",
        "http://127.0.0.1:4",
    ]


def test_fastchats_listings_tell_the_two_kinds_of_models_apart(controller):
    controller.register("http://127.0.0.1:1", ["sees"], multimodal=True)
    controller.register("http://127.0.0.1:2", ["reads"], multimodal=False)
    controller.register("http://127.0.0.1:3", ["llava"])
    assert controller.post("list_multimodal_models") == {"models": ["llava", "sees"]}
    assert controller.post("list_language_models") == {"models": ["reads"]}
    assert controller.models() == ["llava", "reads", "sees"]


@pytest.mark.parametrize("call", ["list_models", "refresh_all_workers"])
@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"not json"])
def test_calls_without_a_body_do_not_mind_one(controller, call, body):
    assert controller.raw(call, body).status_code == 200
