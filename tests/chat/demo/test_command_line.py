import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests
from django.core.management import call_command, get_commands, load_command_class

from tests.chat.demo.conftest import ROOT


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "chat.demo", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_the_first_line_tells_where_it_listens(start_worker):
    demo = start_worker("--no-register", "--model-name", "some-model")
    assert demo.first_line == f"Demo worker for some-model at {demo.address}\n"
    assert requests.post(demo.address + "/worker_get_status", timeout=30).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told_to_even_in_mid_reply(start_worker, number):
    demo = start_worker("--no-register", "--fault", "stall@2")
    with demo.post(prompt="USER: hello ASSISTANT:") as response:
        assert response.raw.read(10)
        demo.process.send_signal(number)
        output, errors = demo.process.communicate(timeout=30)
    assert (demo.process.returncode, output, errors) == (0, "", "")


def test_without_a_controller_it_says_what_to_do():
    result = run()
    assert result.returncode == 1
    assert result.stderr == "Name the controller with --controller-address, or run with --no-register.\n"


def test_a_busy_port_is_one_clear_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("--no-register", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert "Can't listen on 127.0.0.1 port" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--fault", "nonsense"),
        ("--rate", "-1"),
        ("--rate", "nan"),
        ("--rate", "fast"),
        ("--port", "65536"),
        ("--limit-model-concurrency", "0"),
    ],
)
def test_a_wrong_value_names_the_option_and_what_it_takes(option, value):
    result = run("--no-register", option, value)
    assert result.returncode == 2
    last = result.stderr.splitlines()[-1]
    assert option in last
    assert value in last


def test_it_runs_without_django():
    result = subprocess.run(
        [sys.executable, "-c", "import sys, chat.demo.__main__; print('django' in sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "False\n"


def test_it_ends_when_the_process_that_started_it_has_ended():
    script = (
        "import subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-m', 'chat.demo', '--no-register', '--exit-with-parent'],"
        " stdout=subprocess.PIPE, text=True);"
        "print(child.pid, child.stdout.readline(), flush=True)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pid, address = int(parent.stdout.split()[0]), parent.stdout.split()[-1]
    deadline = time.monotonic() + 30
    while listens(address):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            pytest.fail("it still listens")
        time.sleep(0.05)


def listens(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), 5).close()
    except OSError:
        return False
    return True


def test_manage_py_takes_the_same_options(capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("demo_worker", "--help")
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for option in ("--controller-address", "--rate", "--fault", "--limit-model-concurrency", "--no-register"):
        assert option in told


def test_manage_py_knows_this_sites_controller(settings):
    settings.MMCHAT_WORKER_SECRET = "the-secret"
    command = load_command_class(get_commands()["demo_worker"], "demo_worker")
    parsed = command.create_parser("manage.py", "demo_worker").parse_args([])
    assert parsed.controller_address == "http://127.0.0.1:7860/workers/the-secret"
