"""Clients that send their headers a byte at a time are cut off by the shipped nginx file, and keep nobody out."""

import asyncio
import contextlib
import re

import pytest
import requests

from tests import shipped
from tests.running import DemoWorker, Site, free_port
from tests.visitor import Visitor

CONNECTIONS = 250  # more than nginx lets one address have at once; none of these gets so far as to be counted
EVERY = (
    2.0  # seconds from one byte to the next: never silent for as long as a time-out between bytes would be
)
REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
SLACK = 10.0  # for a busy machine; without the time-out they would go on for ever
HEADER_SECONDS = float(
    re.search(r"client_header_timeout (\d+)s;", (shipped.DEPLOY / "nginx.conf").read_text()).group(1)
)


@pytest.fixture
def guarded(tmp_path):
    """A site behind nginx, and its model."""
    port = free_port()
    site = Site(
        tmp_path,
        environment={"MMCHAT_URL": f"http://127.0.0.1:{port}", "MMCHAT_TRUSTED_PROXIES": "127.0.0.1/32"},
    )
    with contextlib.ExitStack() as stack:
        stack.callback(site.kill)
        site.start()
        worker = DemoWorker(site, "--rate", "100")
        stack.callback(worker.stop)
        address = stack.enter_context(shipped.nginx(tmp_path / "nginx", [site.port], port))
        yield address, port, worker.wait()


async def drip(port: int) -> float:
    """Send a header byte by byte until cut off; give the seconds that this took."""
    clock = asyncio.get_running_loop().time
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun = clock()
    cut = asyncio.create_task(reader.read())
    with contextlib.suppress(ConnectionError):
        writer.write(REQUEST)
        while not cut.done():
            await asyncio.wait([cut], timeout=EVERY)
            writer.write(b"x")
            await writer.drain()
    with contextlib.suppress(ConnectionError):
        assert (await cut)[:12] in (b"", b"HTTP/1.1 408"), "an unfinished request was answered"
    lasted = clock() - begun
    writer.close()
    return lasted


async def test_slow_loris_through_the_shipped_proxy(guarded):
    address, port, model = guarded
    drips = [asyncio.create_task(drip(port)) for _ in range(CONNECTIONS)]
    await asyncio.sleep(EVERY)  # all of them have sent what they send at once
    assert not any(each.done() for each in drips)

    visitor = await asyncio.to_thread(Visitor, address)
    async with visitor.socket() as page:
        accepted = await page.ask("count to 30", model)
        assert (await page.until_ended(accepted["reply"]))["state"] == "complete"
    assert (await asyncio.to_thread(requests.get, f"{address}/readyz", timeout=10)).status_code == 200
    assert not any(each.done() for each in drips), "this was not meanwhile"

    async with asyncio.timeout(HEADER_SECONDS + SLACK):
        lasted = await asyncio.gather(*drips)
    assert min(lasted) > HEADER_SECONDS / 2
    async with visitor.socket():
        pass
