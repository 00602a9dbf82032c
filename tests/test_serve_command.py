"""`manage.py serve`: options that read well, and one clear line for what is wrong."""

import asyncio
import os
import socket
import subprocess
import sys

import pytest
import requests

from mmchat_site.startup import listen
from tests.running import ROOT, Site, free_port, wait_until


def serve(tmp_path, *options, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", "serve", *options],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "mmchat_site.settings",
            "MMCHAT_DATA_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path}/mmchat.sqlite3",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--port", "70000"], "--port"),
        (["--port", "http"], "--port"),
        (["--concurrency-count", "0"], "--concurrency-count"),
        (["--model-list-mode", "always"], "--model-list-mode"),
        (["--controller-url", "localhost:21001"], "--controller-url"),
        (["--processes", "2"], "REDIS_URL"),
        (["--demo", "--controller-url", "http://localhost:21001"], "--controller-url"),
        (["--server", "gunicorn"], "--server"),
        (["--frobnicate"], "--frobnicate"),
        (["--host", "203.0.113.7"], "--host"),
    ],
)
def test_a_wrong_option_is_one_clear_line(tmp_path, options, named):
    result = serve(tmp_path, *options)
    assert result.returncode != 0
    assert len(result.stderr.strip().splitlines()) == 1
    assert named in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MMCHAT_PORT", "abc"),
        ("MMCHAT_CONCURRENCY_COUNT", "-1"),
        ("MMCHAT_MODEL_LIST_MODE", "sometimes"),
        ("MMCHAT_MODERATE", "maybe"),
        ("MMCHAT_FIRST_TOKEN_TIMEOUT", "soon"),
        ("MMCHAT_WORKER_NETWORKS", "10.0.0.0/99"),
        ("MMCHAT_URL", "chat.example.org"),
        ("MMCHAT_LOG_LEVEL", "loud"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing"),
        ("REDIS_URL", "localhost:6379"),
        ("MMCHAT_EMBED_ORIGINS", "example.org"),
    ],
)
def test_a_wrong_environment_variable_is_one_clear_line(tmp_path, name, value):
    result = serve(tmp_path, **{name: value})
    assert result.returncode != 0
    assert len(result.stderr.strip().splitlines()) == 1
    assert name in result.stderr


def test_help_names_each_option_and_its_environment_variable(tmp_path):
    text = serve(tmp_path, "--help").stdout
    for option in (
        "HOST",
        "PORT",
        "CONTROLLER_URL",
        "CONCURRENCY_COUNT",
        "MODEL_LIST_MODE",
        "MODERATE",
        "EMBED",
    ):
        assert f"--{option.lower().replace('_', '-')}" in text
        assert f"MMCHAT_{option}" in text


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path / "site")
    yield site
    site.remove()


def test_the_administrators_password_is_shown_at_the_first_start_only(site):
    site.start()
    assert "password" in site.log
    password = site.log.split("password ")[1].split()[0]
    session = requests.Session()
    login = f"{site.url}/admin/login/"
    session.get(login)
    answer = session.post(
        login,
        {"username": "admin", "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]},
        headers={"Referer": login},
    )
    assert "mmchat administration" in answer.text
    assert "Log out" in answer.text
    assert site.stop() == 0
    (site.folder / "serve.log").unlink()
    site.start()
    assert "password" not in site.log
    assert site.stop() == 0


def test_a_busy_port_gives_way_to_the_next_free_one_and_says_so(site):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        site.port = busy.getsockname()[1]
        site.start(wait=False)
        wanted = f"Port {site.port} is busy; using "
        wait_until(lambda: wanted in site.log)
        used = int(site.log.split(wanted)[1].split(".")[0])
    site.url = f"http://127.0.0.1:{used}"
    site.wait_ready()
    assert requests.get(f"{site.url}/", timeout=5).ok


def test_a_second_process_without_redis_is_refused(site):
    site.start()
    result = serve(site.folder, "--host", "127.0.0.1", "--port", str(free_port()))
    assert result.returncode != 0
    assert "REDIS_URL" in result.stderr
    assert requests.get(f"{site.url}/readyz", timeout=5).ok


def test_daphne_can_carry_the_site_and_ends_with_its_parent(tmp_path):
    site = Site(tmp_path / "site", "--server", "daphne", "--demo")
    try:
        site.start()
        assert requests.get(f"{site.url}/", timeout=10).ok
        assert requests.get(f"{site.url}/history/?search=fever", timeout=10).ok
        site.wait_for_model()
        assert site.stop() == 0
        assert "/history/" not in site.log  # nor by whom: what visitors look for is in no log
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{site.url}/readyz", timeout=5)
    finally:
        site.remove()


def test_the_demo_worker_finds_a_site_that_listens_elsewhere(tmp_path):
    site = Site(tmp_path / "site", "--demo", "--host", "127.0.0.2")
    site.url = f"http://127.0.0.2:{site.port}"
    try:
        site.start()
        site.wait_for_model()
        assert requests.get(f"{site.url}/", timeout=10).ok
    finally:
        site.stop()
        site.remove()


async def test_the_second_small_piece_of_an_answer_does_not_wait_for_the_client():
    listener = listen("127.0.0.1", free_port())
    told = asyncio.get_running_loop().create_future()

    async def accepted(_, writer):
        connection = writer.get_extra_info("socket")
        told.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(accepted, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await told
        writer.close()
