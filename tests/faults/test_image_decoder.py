"""The process that decodes pictures dies, at work or idle: that costs one picture at most, and never the site."""

import asyncio
import fcntl
import io
import os
import signal
import sys
import termios

import psutil
import pytest
import requests
from PIL import Image

from tests.running import Site, wait_until
from tests.visitor import Visitor


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("decoder") / "site", environment={"MMCHAT_LIMITS": "off"}).start()
    yield site
    assert site.stop() == 0
    site.remove()


def picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (200, 100), colour).save(file, "PNG")
    return file.getvalue()


def decoders(site: Site) -> list[psutil.Process]:
    children = psutil.Process(site.process.pid).children()
    return [
        each for each in children if each.is_running() and any("decode.py" in word for word in each.cmdline())
    ]


def has_work(pid: int) -> bool:
    """Tell whether a stopped decoder has a picture before it that it has not read."""
    pipe = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
    try:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder) > 0
    finally:
        os.close(pipe)


def test_killed_while_idle_it_is_replaced_and_no_upload_notices(site):
    visitor = Visitor(site.url)
    visitor.upload(picture("red"))
    [first] = decoders(site)
    first.kill()
    visitor.upload(picture("green"))
    visitor.upload(picture("blue"))
    assert first.pid not in [each.pid for each in decoders(site)]
    assert requests.get(f"{site.url}/readyz", timeout=5).status_code == 200


async def test_killed_at_work_the_picture_is_refused_by_name_and_the_next_ones_are_taken(site):
    visitor = await asyncio.to_thread(Visitor, site.url)
    await asyncio.to_thread(visitor.upload, picture("white"))
    stopped = decoders(site)
    for each in stopped:
        each.suspend()
    upload = asyncio.create_task(
        asyncio.to_thread(visitor.post, "/uploads/", files={"image": ("picture.png", picture("black"))})
    )
    [busy] = await asyncio.to_thread(
        wait_until, lambda: [each for each in stopped if has_work(each.pid)], 20, "a picture at the decoder"
    )
    busy.send_signal(signal.SIGKILL)
    answer = await upload
    for each in stopped:
        if each is not busy:
            each.resume()
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "image_too_heavy")
    again = await asyncio.to_thread(visitor.upload, picture("black"))
    stored = await asyncio.to_thread(visitor.http.get, site.url + again["url"])
    assert stored.status_code == 200
    assert requests.get(f"{site.url}/readyz", timeout=5).status_code == 200
