"""A body without end is refused while it comes, by the server that ships, and the refusal arrives."""

import errno
import json
import os
import socket
from pathlib import Path

import pytest
import requests

from chat.images.body_limit import BodyLimit
from chat.views.errors import before_django
from tests.chat.images.pictures import encoded, patterned
from tests.visitor import Visitor

MEGABYTE = 2**20
HUGE = 100 * MEGABYTE


def chunks(size, start=b""):
    yield start
    for _ in range(size // MEGABYTE):
        yield bytes(MEGABYTE)


def upload_form(boundary="b"):
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, head.encode()


def peak_memory(site):
    status = Path(f"/proc/{site.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def check_refused(answer, code="image_too_large", limit=10):
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/json"
    error = answer.json()["error"]
    assert (error["code"], error["limit"]) == (code, limit)


def test_100_mb_with_their_length_are_refused_and_not_kept(site):
    visitor = Visitor(site.url)
    before = peak_memory(site)
    for _ in range(3):
        check_refused(visitor.post("/uploads/", files={"image": ("huge.png", bytes(HUGE))}))
    assert peak_memory(site) - before < HUGE / 2


def test_100_mb_without_their_length_are_refused_and_not_kept(site):
    visitor = Visitor(site.url)
    headers, head = upload_form()
    before = peak_memory(site)
    check_refused(visitor.post("/uploads/", headers=headers, data=chunks(HUGE, head)))
    assert peak_memory(site) - before < HUGE / 2


@pytest.mark.parametrize("expects", ["", "Expect: 100-continue\r\n"])
def test_the_refusal_comes_before_the_body(site, expects):
    request = (
        f"POST /uploads/ HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nContent-Length: {HUGE}\r\n{expects}\r\n"
    )
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        connection.sendall(request.encode())
        answer = b""
        while b"image_too_large" not in answer:
            received = connection.recv(65536)
            assert received, answer
            answer += received
    assert answer.startswith(b"HTTP/1.1 413")


def test_another_page_refuses_it_too(site):
    answer = requests.post(f"{site.url}/feedback/", data=bytes(HUGE), timeout=60)
    check_refused(answer, "body_too_large", None)


def test_the_largest_picture_and_its_form_pass(site):
    visitor = Visitor(site.url)
    picture = encoded(patterned())
    padded = picture + bytes(10 * MEGABYTE - len(picture))  # decoders stop reading at the picture's end
    assert visitor.upload(padded)["width"] == 60
    check_refused(visitor.post("/uploads/", files={"image": ("a.png", padded + b"\0")}))


async def answer_of(application, *received, headers=()):
    sent, messages = [], list(received)

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/uploads/",
        "headers": list(headers),
        "query_string": b"",
    }
    await BodyLimit(application, before_django)(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    return sent[0]["status"], json.loads(body)["error"]["code"], messages


async def test_a_full_disk_for_temporary_files_is_said_plainly():
    async def application(scope, receive, send):
        await receive()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    more = {"type": "http.request", "body": b"x", "more_body": True}
    last = {"type": "http.request", "body": b"x"}
    assert await answer_of(application, more, more, last) == (507, "storage_full", [])


async def test_other_errors_stay_what_they_are():
    async def application(scope, receive, send):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    with pytest.raises(OSError, match="Bad file"):
        await answer_of(application)


async def test_what_a_refused_client_goes_on_sending_is_read_to_its_end():
    async def application(scope, receive, send):
        while (await receive())["type"] == "http.request":
            pass

    more = {"type": "http.request", "body": bytes(6 * MEGABYTE), "more_body": True}
    last = {"type": "http.request", "body": b"x", "more_body": False}
    assert await answer_of(application, more, more, more, last) == (413, "image_too_large", [])
    declared = [(b"content-length", str(HUGE).encode())]
    assert await answer_of(application, more, last, headers=declared) == (413, "image_too_large", [])


async def test_a_client_that_asks_first_is_not_told_to_go_on():
    headers = [(b"content-length", str(HUGE).encode()), (b"expect", b"100-continue")]
    waiting = {"type": "http.request", "body": b"x"}
    assert await answer_of(None, waiting, headers=headers) == (413, "image_too_large", [waiting])
