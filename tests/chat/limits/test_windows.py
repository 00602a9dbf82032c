"""What is counted in a time is counted exactly, whoever counts with whom, and the told wait is long enough."""

import asyncio
import subprocess
import sys
import threading
import time
import uuid

import pytest

from chat.limits import windows
from chat.limits.windows import Window, hit, hit_from_loop
from tests import parts
from tests.running import ROOT


@pytest.fixture(scope="module")
def redis():
    with parts.redis() as url:
        yield url


@pytest.fixture(params=["in Redis", "in this process"])
def place(request, settings, monkeypatch):
    """Where is counted."""
    monkeypatch.setattr(windows, "reach", windows.Reach())
    if request.param == "in Redis":
        settings.REDIS_URL = request.getfixturevalue("redis")
    return request.param


def window(most, seconds=600):
    return Window(uuid.uuid4().hex, most, seconds)


def test_so_many_are_counted_and_no_more(place):
    some = window(3)
    assert [hit(some) for _ in range(3)] == [0, 0, 0]
    assert 0 < hit(some) <= 1200
    assert hit(window(3)) == 0


def test_each_counts_what_it_costs_and_what_is_refused_costs_nothing(place):
    some = window(100)
    assert (hit(some, 60), hit(some, 30)) == (0, 0)
    assert hit(some, 20) > 0
    assert hit(some, 10) == 0


def test_one_thing_larger_than_the_limit_takes_all_of_it(place):
    some = window(100)
    assert hit(some, 1000) == 0
    assert hit(some, 1) > 0


def test_another_amount_goes_on_from_what_was_counted(place):
    some = window(3)
    for _ in range(3):
        hit(some)
    assert [hit(some._replace(most=5)) for _ in range(3)][:2] == [0, 0]
    assert hit(some._replace(most=5)) > 0
    assert hit(some._replace(most=2)) > 0


@pytest.mark.parametrize("used", [1, 3, 4])
def test_whoever_waits_as_long_as_told_is_let_in(place, used):
    some = window(4, seconds=2)
    for _ in range(used):
        assert hit(some) == 0
    # What is refused now is as large as what has been used, so it waits for the window itself, too.
    wait = hit(some, 5 - used)
    assert 0 < wait <= 4
    end = time.time() + wait
    while (left := end - time.time()) > 0:  # the clock that the package reads
        time.sleep(left)
    assert hit(some, 5 - used) == 0


async def test_sockets_and_views_share_a_count(place):
    some = window(4)
    assert [hit(some), await hit_from_loop(some), hit(some), await hit_from_loop(some)] == [0] * 4
    assert hit(some) > 0
    assert await hit_from_loop(some) > 0
    await windows.close()


def test_threads_that_count_at_once_never_pass_the_limit_nor_stay_below_it(place):
    some, passed = window(50), []
    ready = threading.Barrier(8)

    def count():
        ready.wait()
        passed.extend(hit(some) == 0 for _ in range(20))

    threads = [threading.Thread(target=count) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sum(passed) == 50


PROCESS = """
import asyncio, os, sys, threading
import django
django.setup()
from chat.limits import windows
some = windows.Window(sys.argv[1], 100, 600)
print("ready", flush=True)
sys.stdin.readline()
passed = []

async def sockets():
    passed.extend([wait == 0 for wait in await asyncio.gather(*(windows.hit_from_loop(some) for _ in range(40)))])
    await windows.close()

def views():
    passed.extend([windows.hit(some) == 0 for _ in range(20)])

threads = [threading.Thread(target=views) for _ in range(2)]
[thread.start() for thread in threads]
asyncio.run(sockets())
[thread.join() for thread in threads]
print(len(passed), sum(passed), flush=True)
"""


def test_two_processes_together_never_pass_the_limit_nor_stay_below_it(redis, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    command = [sys.executable, "-c", PROCESS, uuid.uuid4().hex]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(2)]
    for each in both:
        assert each.stdout.readline() == "ready\n"
    for each in both:
        each.stdin.write("go\n")
        each.stdin.flush()
    told = [each.communicate(timeout=120)[0].split() for each in both]
    assert [asked for asked, _ in told] == ["80", "80"]
    assert sum(int(passed) for _, passed in told) == 100


def test_while_redis_is_away_each_process_counts_by_itself_and_waits_for_it_once_a_second(
    settings, monkeypatch, caplog
):
    monkeypatch.setattr(windows, "reach", windows.Reach())
    caplog.set_level("INFO")
    some = window(2)
    with parts.redis() as settings.REDIS_URL:
        pass
    assert [hit(some), hit(some)] == [0, 0]
    assert hit(some) > 0
    assert caplog.text.count("limits count per process") == 1
    with parts.redis(int(settings.REDIS_URL.split(":")[2].split("/")[0])):
        deadline = time.monotonic() + 60
        while "over all processes again" not in caplog.text and time.monotonic() < deadline:
            hit(window(1))
            time.sleep(0.05)
    assert "limits count over all processes again" in caplog.text


async def test_a_socket_does_not_wait_for_a_redis_that_is_silent(settings, monkeypatch):
    monkeypatch.setattr(windows, "reach", windows.Reach())
    lines = []
    silent = await asyncio.start_server(lambda reader, writer: lines.append(writer), "127.0.0.1", 0)
    settings.REDIS_URL = f"redis://127.0.0.1:{silent.sockets[0].getsockname()[1]}/0"
    some = window(100)
    async with asyncio.timeout(60):  # for one call; a hundred that each waited would take as long
        assert [await hit_from_loop(some) for _ in range(100)] == [0] * 100
    assert windows.reach.failures < 10
    await windows.close()
    for line in lines:
        line.close()
    silent.close()
    await silent.wait_closed()


def test_counts_that_matter_no_longer_go_and_are_not_looked_for_at_each_count(monkeypatch):
    monkeypatch.setattr(windows, "SWEEP_SECONDS", 0.01)
    here = windows._Here()
    here.timer.join(60)
    here.acquire_sliding_window_entry("gone", 1, 1)
    here.expirations = dict.fromkeys(here.expirations, 0)
    here.timer.join(60)
    assert (dict(here.storage), here.expirations) == ({}, {})
    monkeypatch.setattr(windows, "SWEEP_SECONDS", 3600)
    here.acquire_sliding_window_entry("a", 1, 1)
    timer = here.timer
    here.acquire_sliding_window_entry("b", 1, 1)
    assert here.timer is timer
    assert timer.interval == 3600
    assert timer.daemon  # or the process would not end
    timer.cancel()
