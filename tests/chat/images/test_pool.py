"""The children that decode: confined, replaced when they die, never in anybody's way."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from chat.images import pool as pool_module
from chat.images.errors import ImageRefused
from tests.chat.images.pictures import encoded, endless_scans, patterned
from tests.running import wait_until

ROOT = Path(pool_module.__file__).parents[2]
LIMITS = {"pixels": 25_000_000, "side": 8192}
PICTURE = encoded(patterned())


def refusal(pool, data):
    with pytest.raises(ImageRefused) as caught:
        pool.decode(data, **LIMITS)
    return caught.value.code


def state(pid):
    """Give the letter of a process's state, X where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "X"


def is_running(pid):
    return state(pid) not in "ZX"


@contextlib.contextmanager
def frozen_child(pool):
    """Stop a child so that its next picture stays in the middle of being decoded."""
    pool.decode(PICTURE, **LIMITS)
    (pid,) = pool.process_ids()
    os.kill(pid, signal.SIGSTOP)
    # The signal is sent, not yet heard: on a busy machine it would take some of the picture first.
    wait_until(lambda: state(pid) == "T", what="the child to stop")
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def holds_a_job(pid):
    """Tell whether a frozen child has input that it has not read."""
    with open(
        f"/proc/{pid}/fd/0", "rb", buffering=0, opener=lambda path, flags: os.open(path, os.O_NONBLOCK)
    ) as pipe:
        unread = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(unread, sys.byteorder) > len(PICTURE)


def test_one_child_decodes_many_pictures(make_pool):
    pool = make_pool()
    assert pool.process_ids() == []
    pool.decode(PICTURE, **LIMITS)
    first = pool.process_ids()
    pool.decode(PICTURE, **LIMITS)
    assert pool.process_ids() == first


def test_a_child_is_replaced_after_its_share_of_pictures(make_pool):
    pool = make_pool(pictures_per_child=2)
    pool.decode(PICTURE, **LIMITS)
    first = pool.process_ids()
    pool.decode(PICTURE, **LIMITS)
    assert pool.process_ids() == []
    pool.decode(PICTURE, **LIMITS)
    assert pool.process_ids() != first


@pytest.mark.parametrize(
    ("killed_by", "code"),
    [
        (signal.SIGSEGV, "image_undecodable"),
        (signal.SIGABRT, "image_undecodable"),
        (signal.SIGKILL, "image_too_heavy"),
    ],
)
def test_a_child_that_dies_of_a_picture_costs_that_picture_only(make_pool, killed_by, code):
    pool = make_pool()
    with frozen_child(pool) as pid, ThreadPoolExecutor(1) as thread:
        answer = thread.submit(refusal, pool, PICTURE)
        wait_until(lambda: holds_a_job(pid), what="the picture to be under way")
        os.kill(pid, killed_by)
        os.kill(pid, signal.SIGCONT)
        assert answer.result(20) == code
    assert pool.decode(PICTURE, **LIMITS).about.width == 60
    assert pool.process_ids() != [pid]


def test_a_child_that_died_between_two_pictures_costs_none(make_pool):
    pool = make_pool()
    pool.decode(PICTURE, **LIMITS)
    (pid,) = pool.process_ids()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_running(pid), what="the child to die")
    assert pool.decode(PICTURE, **LIMITS).about.width == 60


def test_a_picture_that_takes_too_long_is_given_up(make_pool):
    pool = make_pool(wall_seconds=0.5)
    with frozen_child(pool) as pid:
        assert refusal(pool, PICTURE) == "image_too_heavy"
        assert not is_running(pid)
    assert pool.decode(PICTURE, **LIMITS).about.width == 60


def test_a_picture_that_takes_too_much_memory_is_given_up(make_pool):
    pool = make_pool(memory_bytes=120 * 2**20)
    assert refusal(pool, encoded(Image.new("RGB", (5000, 5000)))) == "image_too_heavy"
    assert pool.decode(PICTURE, **LIMITS).about.width == 60


def test_a_picture_that_takes_too_much_computing_is_given_up(make_pool):
    pool = make_pool(cpu_seconds=1)
    assert refusal(pool, endless_scans()) == "image_too_heavy"
    assert pool.decode(PICTURE, **LIMITS).about.width == 60


def test_computing_is_counted_for_each_picture_anew(make_pool):
    pool = make_pool(cpu_seconds=1)
    picture = encoded(Image.new("RGB", (3000, 2000)))
    pool.decode(picture, **LIMITS)
    (pid,) = pool.process_ids()
    ticks = os.sysconf("SC_CLK_TCK")

    def seconds_used():
        user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / ticks

    while seconds_used() < 3:
        pool.decode(picture, **LIMITS)
    assert pool.process_ids() == [pid]


def test_more_callers_than_may_wait_are_refused_at_once(make_pool):
    pool = make_pool(waiting=1)
    with frozen_child(pool) as pid, ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(pool.decode, PICTURE, **LIMITS) for _ in range(2)]
        wait_until(lambda: pool.callers == 2, what="both places to be taken")
        assert refusal(pool, PICTURE) == "images_busy"
        os.kill(pid, signal.SIGCONT)
        assert [caller.result(20).about.width for caller in waiting] == [60, 60]
    assert pool.callers == 0
    assert pool.decode(PICTURE, **LIMITS).about.width == 60


def test_a_caller_who_waited_too_long_is_refused(make_pool):
    pool = make_pool(wait_seconds=0)
    assert refusal(pool, PICTURE) == "images_busy"


def test_two_children_work_at_once(make_pool):
    pool = make_pool(children=2)
    with frozen_child(pool) as pid, ThreadPoolExecutor(2) as threads:
        pictures = [threads.submit(pool.decode, PICTURE, **LIMITS) for _ in range(2)]
        wait_until(lambda: any(picture.done() for picture in pictures), what="the other child")
        assert not all(picture.done() for picture in pictures)
        os.kill(pid, signal.SIGCONT)
        assert [picture.result(20).about.width for picture in pictures] == [60, 60]


def test_a_pool_that_is_closed_leaves_no_process_and_refuses(make_pool):
    pool = make_pool()
    pool.decode(PICTURE, **LIMITS)
    (pid,) = pool.process_ids()
    pool.close()
    assert not is_running(pid)
    assert refusal(pool, PICTURE) == "images_busy"


def test_closing_refuses_who_waits(make_pool):
    pool = make_pool()
    with frozen_child(pool), ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(refusal, pool, PICTURE) for _ in range(2)]
        wait_until(lambda: pool.callers == 2, what="two callers")
        pool.close()
        assert {answer.result(20) for answer in answers} <= {"images_busy", "image_too_heavy"}


def test_a_child_outlives_the_thread_that_asked(make_pool):
    pool = make_pool()
    asking = threading.Thread(target=pool.decode, args=(PICTURE,), kwargs=LIMITS)
    asking.start()
    asking.join()
    before = pool.process_ids()
    pool.decode(PICTURE, **LIMITS)
    assert pool.process_ids() == before


SITE = """
import sys, time
import django
django.setup()
from chat.images.pool import decoders
decoders.decode(sys.stdin.buffer.read(), pixels=25_000_000, side=8192)
print(decoders.process_ids()[0], flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("child_is", ["idle", "busy"])
def test_children_end_with_a_site_that_is_killed(child_is, tmp_path):
    site = subprocess.Popen(
        [sys.executable, "-c", SITE],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mmchat_site.settings",
            "MMCHAT_DATA_DIR": str(tmp_path),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with site:
        site.stdin.write(PICTURE)
        site.stdin.close()
        pid = int(site.stdout.readline())
        assert is_running(pid)
        if child_is == "busy":
            os.kill(pid, signal.SIGSTOP)  # the end of its input can't reach it now
        site.kill()
    wait_until(lambda: not is_running(pid), what="the child to end")


def test_a_child_holds_nothing_of_the_site(make_pool, monkeypatch):
    monkeypatch.setenv("MMCHAT_SECRET_KEY", "not for children")
    pool = make_pool()
    pool.decode(PICTURE, **LIMITS)
    (pid,) = pool.process_ids()
    assert b"MMCHAT_SECRET_KEY" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert set(os.listdir(f"/proc/{pid}/fd")) <= {"0", "1", "2", "3"}
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert f"{1056 * 2**20}" in limits.split("Max address space", 1)[1].splitlines()[0]
    assert limits.split("Max file size", 1)[1].split()[0] == "0"


def test_a_child_imports_no_django():
    program = "import runpy, sys; runpy.run_path(sys.argv[1]); print(sorted(sys.modules))"
    path = ROOT / "chat/images/decode.py"
    modules = subprocess.run(
        [sys.executable, "-I", "-c", program, path], capture_output=True, text=True, check=True
    )
    assert "PIL.Image" in modules.stdout
    assert "django" not in modules.stdout
    assert "'chat" not in modules.stdout
