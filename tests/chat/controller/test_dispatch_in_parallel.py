import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from chat.controller.bodies import Status
from chat.controller.workers import heartbeat, pick_address, register
from chat.models import Backend, Placement, Worker

ADDRESSES = [f"http://127.0.0.1:{number}" for number in range(1, 5)]


def pick(number):
    try:
        return pick_address("m")
    finally:
        connection.close()


def beat(number):
    try:
        return heartbeat(ADDRESSES[number % 4], 0)
    finally:
        connection.close()


@pytest.fixture
def workers(transactional_db):
    for address in ADDRESSES:
        register(address, checks_heartbeat=True, status=Status(["m"], 1, 0))


def test_the_first_workers_may_register_at_the_same_moment(transactional_db):
    ready = threading.Barrier(4)

    def come(number):
        try:
            ready.wait()
            return register(ADDRESSES[number], checks_heartbeat=True, status=Status([f"m{number}"], 1, 0))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(come, range(4))) == [True] * 4
    assert Backend.objects.filter(kind=Backend.Kind.BUILT_IN).count() == 1
    assert Placement.objects.filter(listed=True).count() == 4


def test_requests_at_the_same_moment_are_spread_evenly(workers):
    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(pick, range(40))) == dict.fromkeys(ADDRESSES, 10)
    assert list(Worker.objects.values_list("queue_length", flat=True)) == [10] * 4


def test_heartbeats_and_requests_at_the_same_moment_all_succeed(workers):
    with ThreadPoolExecutor(8) as pool:
        beats = pool.map(beat, range(40))
        picked = pool.map(pick, range(40))
        assert all(beats)
        assert set(picked) == set(ADDRESSES)
