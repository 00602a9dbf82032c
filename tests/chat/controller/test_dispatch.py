import pytest

from chat.controller.workers import heartbeat, pick_address
from chat.models import Worker


@pytest.fixture
def workers(controller):
    """Three workers of one model, in the order in which they registered."""
    addresses = [f"http://127.0.0.1:{number}" for number in (3, 1, 2)]
    for address in addresses:
        controller.register(address)
    return addresses


def picks(count):
    return [pick_address("m") for _ in range(count)]


def test_the_shortest_queue_takes_the_next_request(workers):
    for address, length in zip(workers, (2, 0, 1), strict=True):
        heartbeat(address, length)
    assert pick_address("m") == workers[1]


def test_requests_between_two_heartbeats_are_spread(workers):
    assert picks(6) == workers * 2
    assert list(Worker.objects.values_list("queue_length", flat=True)) == [2, 2, 2]


def test_a_heartbeat_corrects_the_count(workers):
    picks(6)
    heartbeat(workers[2], 0)
    assert picks(2) == [workers[2]] * 2


def test_a_worker_of_twice_the_speed_takes_twice_as_many(controller):
    controller.register("http://127.0.0.1:1", speed=1)
    controller.register("http://127.0.0.1:2", speed=2)
    taken = picks(30)
    assert taken.count("http://127.0.0.1:2") == 20


def test_only_workers_that_serve_the_model_are_given(controller):
    controller.register("http://127.0.0.1:1", ["other"])
    controller.register("http://127.0.0.1:2", ["m", "more"], queue_length=1000)
    assert picks(3) == ["http://127.0.0.1:2"] * 3
    # A name that is part of another is another name.
    assert pick_address("mor") == ""
