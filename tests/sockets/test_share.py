"""`serve --share`: others reach the site through a tunnel, by a real ssh server, and the administration they do not."""

import contextlib
import http.client
import json
import os
import re
import socket

import pytest
import requests
import websockets
from django.core.management.base import CommandError

from mmchat_site import tunnel
from tests.running import DemoWorker, Site, wait_until
from tests.sockets.ssh import SSHServer

PUBLIC = "https://demo.example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = SSHServer(tmp_path_factory.mktemp("ssh")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared(server, tmp_path_factory):
    site = Site(
        tmp_path_factory.mktemp("shared"), "--share", environment={"MMCHAT_SHARE_SSH": server.options}
    ).start()
    yield site
    if site.process.poll() is None:
        site.stop()
    site.remove()


def through(server, path, host="demo.example.org", **more):
    headers = {"Host": host, "X-Forwarded-Proto": "https", **more.pop("headers", {})}
    return requests.get(f"http://127.0.0.1:{server.entrance}{path}", headers=headers, timeout=20, **more)


def test_the_address_is_printed_and_the_page_opens_through_the_tunnel(shared, server):
    assert f"shared at         {PUBLIC}/" in shared.log
    page = through(server, "/")
    assert page.status_code == 200
    assert 'id="bootstrap"' in page.text


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin", "/admin/chat/visitor/", "/metrics"])
@pytest.mark.parametrize("host", ["demo.example.org", "localhost", "127.0.0.1:7860"])
def test_the_administration_is_not_there_through_the_tunnel_whatever_a_request_says(
    shared, server, path, host
):
    claims = {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "localhost",
        "X-Forwarded-Port": str(shared.port),
    }
    answer = through(server, path, host, headers=claims, allow_redirects=False)
    assert answer.status_code == 404
    nothing = through(server, "/nothing/", host, headers=claims)
    assert answer.text == nothing.text


@pytest.mark.parametrize(
    "target",
    [
        "//admin/", "/%61dmin/", "/%2561dmin/", "/admin;/", "/./admin/", "/x/../admin/", "/%2e/admin/",
        "/admin%2flogin/", "/admin/%0a", "/%5cadmin/", "http://localhost/admin/login/",
        "//metrics", "/%6detrics", "/metrics/", "/metrics%00",
    ],
)  # fmt: skip
def test_nor_is_it_however_its_path_is_written(shared, server, target):
    claims = {
        "Host": f"127.0.0.1:{shared.port}",
        "Forwarded": "for=127.0.0.1;host=localhost",
        "X-Forwarded-For": "127.0.0.1",
        "X-Original-URL": "/admin/login/",
        "X-Rewrite-URL": "/admin/login/",
        "Script-Name": "/x",
        "Server-Port": str(shared.port),
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.entrance, timeout=20)
    with contextlib.closing(connection):
        connection.putrequest("GET", target, skip_host=True)  # as it is: a browser would tidy it up
        for name, value in claims.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 404
        assert b"password" not in answer.read()


def test_at_the_machines_own_address_it_is(shared):
    assert "Log in" in requests.get(f"{shared.url}/admin/", timeout=20).text
    assert requests.get(f"{shared.url}/metrics", timeout=20).status_code == 200


async def test_a_visitor_chats_through_the_tunnel(shared, server):
    worker = DemoWorker(shared, "--rate", "0")
    try:
        worker.wait()
        page = through(server, "/")
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in page.cookies)
        connection = websockets.connect(
            "ws://demo.example.org/ws/chat/",
            host="127.0.0.1",
            port=server.entrance,
            origin=PUBLIC,
            additional_headers={"Cookie": cookies, "X-Forwarded-Proto": "https"},
        )
        async with connection as opened:
            assert json.loads(await opened.recv())["type"] == "hello"
        with pytest.raises(websockets.exceptions.InvalidStatus, match="403"):
            await websockets.connect(
                "ws://demo.example.org/ws/chat/",
                host="127.0.0.1",
                port=server.entrance,
                origin="https://other.example.org",
                additional_headers={"Cookie": cookies},
            )
        token = json.loads(
            re.search(r'id="bootstrap" type="application/json">(.*?)</script>', page.text, re.S)[1]
        )
        answer = requests.post(
            f"http://127.0.0.1:{server.entrance}/consent/",
            json={},
            headers={
                "Host": "demo.example.org", "Origin": PUBLIC, "Cookie": cookies, "X-CSRFToken": token["csrf_token"],
            },
            timeout=20,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
    finally:
        worker.stop()


def test_the_tunnel_ends_with_the_site(shared, server):
    assert shared.stop() == 0
    wait_until(lambda: not _answers(server.entrance), 60, "the end of the tunnel")


def test_it_ends_with_a_site_that_is_killed_too_and_its_end_is_told(server, tmp_path):
    site = Site(tmp_path, "--share", environment={"MMCHAT_SHARE_SSH": server.options}).start()
    try:
        assert _answers(server.entrance)
        site.kill()
        wait_until(lambda: not _answers(server.entrance), 60, "the end of the tunnel")
        site.start()
        server.stop()
        wait_until(lambda: "the tunnel of --share has ended" in site.log, 60, "a line in the log")
        assert requests.get(f"{site.url}/healthz", timeout=20).ok
    finally:
        site.kill()


def test_a_server_that_opens_none_is_told_with_what_it_said(tmp_path):
    options = "-R 80:127.0.0.1:{port} -p 1 -o ConnectTimeout=5 nobody@127.0.0.1"
    site = Site(tmp_path, "--share", environment={"MMCHAT_SHARE_SSH": options}).start(wait=False)
    assert site.process.wait(60) == 1
    assert "has opened no tunnel" in site.log
    assert "Connection refused" in site.log


def test_cloudflared_comes_first_then_ssh_then_a_sentence(tmp_path, monkeypatch, settings):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="install openssh-client"):
        tunnel.client(1)
    for name in ("ssh", "cloudflared"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        os.chmod(tmp_path / name, 0o755)
        assert tunnel.client(1)[0] == str(tmp_path / name)
    settings.MMCHAT_SHARE_SSH = "-R 80:127.0.0.1:7860 me@a.example.org"  # past the gate, if it were let
    with pytest.raises(CommandError, match=r"MMCHAT_SHARE_SSH lacks \{port\}"):
        tunnel.client(5)
    settings.MMCHAT_SHARE_SSH = "-R 80:127.0.0.1:{port} me@a.example.org"
    assert tunnel.client(5)[-3:] == ["-R", "80:127.0.0.1:5", "me@a.example.org"]


def test_a_greeting_in_other_letters_hides_no_address(tmp_path, monkeypatch, settings):
    settings.MMCHAT_SHARE_SSH = "-R 80:127.0.0.1:{port} me@a.example.org"
    for name in ("MMCHAT_TRUSTED_PROXIES", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"):
        setattr(settings, name, list(getattr(settings, name)))
    settings.MMCHAT_SHARED_ORIGIN, settings.MMCHAT_SHARED_PORT, settings.SECURE_PROXY_SSL_HEADER = "", 0, None
    said = "a.example.org tunneled with tls termination, https://a.example.org"
    (tmp_path / "ssh").write_text(f"#!/bin/sh\nprintf 'Gr\\374\\337e\\n'\necho '{said}'\nexec cat\n")
    os.chmod(tmp_path / "ssh", 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(tunnel, "ANSWER_SECONDS", 10)
    with tunnel.open_tunnel() as (_, origin):
        assert origin == "https://a.example.org"


def test_what_each_says_of_its_address_is_understood():
    lines = {
        "2026-01-01T00:00:00Z INF |  https://four-words-of-theirs.trycloudflare.com  |": "https://four-words-of-theirs.trycloudflare.com",
        "c5.lhr.life tunneled with tls termination, https://c5.lhr.life": "https://c5.lhr.life",
        "To set up and manage custom domains go to https://admin.localhost.run/": None,
    }
    for line, address in lines.items():
        match = tunnel._SAID.search(line)
        assert (match and (match[1] or match[2])) == address


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
